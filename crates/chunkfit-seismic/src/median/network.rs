//! Sorting without branches: a fixed list of exchanges that brings any values in order.

use std::ops::Range;

/// Brings two wires in order; what is not needed afterwards is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Exchange {
    low: usize,
    high: usize,
    keeps_low: bool,
    keeps_high: bool,
}

/// Exchanges for wires that each hold a line of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Network {
    exchanges: Vec<Exchange>,
    /// The wires, in the order of the values on them afterwards.
    order: Vec<usize>,
}

/// Values of a wire that are taken at a time: 27 wires of them fit the nearest cache.
pub(super) const PART: usize = 64;

impl Network {
    /// Merges `lists` of wires, the values of each in order, into one (Batcher's odd-even merge).
    pub(super) fn merging(lists: Vec<Vec<usize>>) -> Self {
        let mut exchanges = Vec::new();
        let order = merge_all(&lists, &mut exchanges);
        let exchange = |(low, high)| Exchange { low, high, keeps_low: true, keeps_high: true };
        Self { exchanges: exchanges.into_iter().map(exchange).collect(), order }
    }

    /// The same network when only the value at `rank` matters.
    pub(super) fn only(mut self, rank: usize) -> Self {
        let wanted = self.order[rank];
        let mut needed = vec![false; self.order.len()];
        needed[wanted] = true;
        self.exchanges.reverse();
        self.exchanges.retain_mut(|exchange| {
            exchange.keeps_low = needed[exchange.low];
            exchange.keeps_high = needed[exchange.high];
            let kept = exchange.keeps_low || exchange.keeps_high;
            needed[exchange.low] |= kept;
            needed[exchange.high] |= kept;
            kept
        });
        self.exchanges.reverse();
        self.order = vec![wanted];
        self
    }

    /// The wires, in the order of the values on them afterwards.
    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }

    /// Runs on `range` of wires that begin `stride` apart in `lines`.
    pub(super) fn run(&self, lines: &mut [i32], stride: usize, range: Range<usize>) {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            move || {
                // Moved, so that this is called once, with the instructions of the processor.
                let lines = lines;
                for start in range.clone().step_by(PART) {
                    let n = PART.min(range.end - start);
                    for exchange in &self.exchanges {
                        let (low, high) = pair(lines, exchange, stride, start, n);
                        match (exchange.keeps_low, exchange.keeps_high) {
                            (true, true) => {
                                for (low, high) in low.iter_mut().zip(high) {
                                    (*low, *high) = ((*low).min(*high), (*low).max(*high));
                                }
                            }
                            (true, false) => {
                                low.iter_mut()
                                    .zip(high)
                                    .for_each(|(low, high)| *low = *high.min(low));
                            }
                            _ => high
                                .iter_mut()
                                .zip(low)
                                .for_each(|(high, low)| *high = *low.max(high)),
                        }
                    }
                }
            },
        );
    }
}

/// The part of the two wires of an exchange.
#[inline(always)]
fn pair<'a>(
    lines: &'a mut [i32],
    exchange: &Exchange,
    stride: usize,
    start: usize,
    n: usize,
) -> (&'a mut [i32], &'a mut [i32]) {
    let [low, high] = [exchange.low, exchange.high].map(|wire| wire * stride + start);
    let (before, after) = lines.split_at_mut(low.max(high));
    let (first, second) = (&mut before[low.min(high)..][..n], &mut after[..n]);
    if low < high { (first, second) } else { (second, first) }
}

fn merge_all(lists: &[Vec<usize>], exchanges: &mut Vec<(usize, usize)>) -> Vec<usize> {
    match lists {
        [] => Vec::new(),
        [list] => list.clone(),
        _ => {
            let (left, right) = lists.split_at(lists.len().div_ceil(2));
            let (left, right) = (merge_all(left, exchanges), merge_all(right, exchanges));
            merge(&left, &right, exchanges)
        }
    }
}

/// Merges the even places, merges the odd places, and then exchanges neighbours.
fn merge(a: &[usize], b: &[usize], exchanges: &mut Vec<(usize, usize)>) -> Vec<usize> {
    match (a, b) {
        (all, []) | ([], all) => return all.to_vec(),
        ([low], [high]) => {
            exchanges.push((*low, *high));
            return vec![*low, *high];
        }
        _ => {}
    }
    let every_other = |list: &[usize], first: usize| -> Vec<usize> {
        list.iter().skip(first).step_by(2).copied().collect()
    };
    let even = merge(&every_other(a, 0), &every_other(b, 0), exchanges);
    let odd = merge(&every_other(a, 1), &every_other(b, 1), exchanges);
    let mut order = vec![even[0]];
    for place in 0..odd.len().max(even.len() - 1) {
        match (odd.get(place), even.get(place + 1)) {
            (Some(&low), Some(&high)) => {
                exchanges.push((low, high));
                order.extend([low, high]);
            }
            (low, high) => order.extend(low.into_iter().chain(high)),
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use chunkfit_core::testing::Dice;

    use super::*;

    fn sorting(n: usize) -> Network {
        Network::merging((0..n).map(|wire| vec![wire]).collect())
    }

    /// A network that sorts all zeros and ones sorts everything.
    #[test]
    fn sorts() {
        for n in 1..=12 {
            let network = sorting(n);
            for bits in 0..1_u32 << n {
                let mut wires: Vec<i32> = (0..n).map(|wire| (bits >> wire & 1) as i32).collect();
                network.run(&mut wires, 1, 0..1);
                let sorted: Vec<i32> = network.order().iter().map(|wire| wires[*wire]).collect();
                assert!(sorted.is_sorted(), "{n} {bits:b}: {sorted:?}");
            }
        }
    }

    #[test]
    fn selects_from_lists_in_order() {
        let mut dice = Dice::new(5);
        for (n_lists, length) in [(3, 9), (1, 5), (5, 3), (7, 1), (3, 25), (9, 2)] {
            let lists = (0..n_lists).map(|l| (l * length..(l + 1) * length).collect()).collect();
            let n = n_lists * length;
            let network = Network::merging(lists).only(n / 2);
            for _ in 0..200 {
                let mut wires: Vec<i32> = (0..n).map(|_| dice.between(0, 40) as i32).collect();
                wires.chunks_exact_mut(length).for_each(<[i32]>::sort_unstable);
                let mut sorted = wires.clone();
                sorted.sort_unstable();
                network.run(&mut wires, 1, 0..1);
                assert_eq!(wires[network.order()[0]], sorted[n / 2], "{n_lists} lists of {length}");
            }
        }
    }

    #[test]
    fn the_median_of_27_takes_few_exchanges() {
        let columns = sorting(3);
        let list = |first: usize| columns.order().iter().map(|w| first + w).collect::<Vec<_>>();
        let slices = Network::merging(vec![list(0), list(3), list(6)]);
        let list = |first: usize| slices.order().iter().map(|w| first + w).collect::<Vec<_>>();
        let median = Network::merging(vec![list(0), list(9), list(18)]).only(13);
        let counts = [columns, slices, median].map(|network| network.exchanges.len());
        assert_eq!(counts, [3, 18, 55]);
    }
}
