//! Keeps a library's panic from ending the program.
//!
//! polars takes much of what a Parquet file says of itself at its word and panics where a damaged file deserves an
//! error. [`catch`] makes a value of that, and [`install_hook`] keeps the panic's own message, which names a line
//! of polars, off the user's terminal meanwhile. A panic anywhere else is a mistake of this program and is told as
//! ever.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many guarded calls are under way. Of the whole process, since libraries panic on threads of their own.
static GUARDED: AtomicUsize = AtomicUsize::new(0);

/// What `call` returns, or `None` if it panicked. What it was changing may then be half changed: the caller must
/// drop it.
pub fn catch<T>(call: impl FnOnce() -> T) -> Option<T> {
    GUARDED.fetch_add(1, Ordering::SeqCst);
    let result = catch_unwind(AssertUnwindSafe(call));
    GUARDED.fetch_sub(1, Ordering::SeqCst);
    result.ok()
}

/// Silences panics inside of [`catch`]; others are reported as before.
pub fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if GUARDED.load(Ordering::SeqCst) == 0 {
                usual(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_value() {
        install_hook();
        assert_eq!(catch(|| 7), Some(7));
        assert_eq!(catch(|| -> u8 { panic!("as a library does") }), None);
    }
}
