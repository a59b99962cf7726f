//! Fuzzes `api_answer`: see the library of this package.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dofloat_fuzz::api_answer(bytes));
