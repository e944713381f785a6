#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pitcrew_fuzz::frames(bytes));
