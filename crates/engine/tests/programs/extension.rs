//! A library of Rust for `extension.py`.

#[inline(never)]
fn truth_rust_inner(bytes: usize) -> usize {
    let block: Vec<u8> = Vec::with_capacity(bytes);
    let at = std::hint::black_box(block.as_ptr()) as usize;
    std::mem::forget(block);
    at
}

#[unsafe(no_mangle)]
pub extern "C" fn truth_rust_outer(bytes: usize) -> usize {
    truth_rust_inner(bytes) | 1
}
