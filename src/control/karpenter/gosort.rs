//! Go's `sort.Slice`, which is deterministic but not stable: Karpenter's choices among equals follow from it.
//!
//! Source of the algorithm: `sort/zsortfunc.go` of Go 1.19 and later (pattern-defeating quicksort by Orson Peters).

/// Sorts as `sort.Slice` does.
pub fn sort_by<T>(data: &mut [T], mut less: impl FnMut(&T, &T) -> bool) {
    let limit = usize::BITS - data.len().leading_zeros();
    let _ = limit;
    // Stand-in until the port is there.
    for i in 1..data.len() {
        let mut j = i;
        while j > 0 && less(&data[j], &data[j - 1]) {
            data.swap(j, j - 1);
            j -= 1;
        }
    }
}
