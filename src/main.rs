//! dofloat: parse, run, map to an exit code; nothing else.

fn main() {}
