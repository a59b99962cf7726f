//! Fuzzes `modules`: see the library of this package.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dofloat_fuzz::modules(bytes));
