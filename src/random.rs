//! Seeded streams of random numbers.
//!
//! [`Stream`] is ours: xoshiro256++ (Blackman and Vigna 2019), seeded through SplitMix64 from a seed
//! and any number of keys (video, clip, epoch), so that a draw depends on what it is for and never
//! on the order in which threads ask. [`Mt19937`] is Matsumoto and Nishimura's generator with the two
//! dialects that reports used: NumPy's legacy `RandomState` and CPython's `random`.

/// xoshiro256++, keyed.
#[derive(Clone, Debug)]
pub struct Stream {
    state: [u64; 4],
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Stream {
    /// The stream of `seed` for one purpose, named by `keys` (the video's position, the clip, …).
    pub fn keyed(seed: u64, keys: &[u64]) -> Self {
        let mut mixer = seed;
        for &key in keys {
            mixer = split_mix(&mut mixer) ^ key;
        }
        Self { state: std::array::from_fn(|_| split_mix(&mut mixer)) }
    }

    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [low, high).
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform in 0..n without bias (rejection); n must be positive.
    pub fn below(&mut self, n: u64) -> u64 {
        let limit = u64::MAX - u64::MAX % n;
        loop {
            let draw = self.next_u64();
            if draw < limit {
                return draw % n;
            }
        }
    }

    /// `k` distinct values of 0..n in drawn order (a partial Fisher-Yates); `k <= n`.
    pub fn choose(&mut self, n: usize, k: usize) -> Vec<usize> {
        let mut pool: Vec<usize> = (0..n).collect();
        for i in 0..k {
            let j = i + self.below((n - i) as u64) as usize;
            pool.swap(i, j);
        }
        pool.truncate(k);
        pool
    }

    /// [`Self::choose`], ascending.
    pub fn sample(&mut self, n: usize, k: usize) -> Vec<usize> {
        let mut chosen = self.choose(n, k);
        chosen.sort_unstable();
        chosen
    }

    /// Permutes in place (Fisher-Yates).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            let j = self.below(i as u64 + 1) as usize;
            values.swap(i, j);
        }
    }
}

const N: usize = 624;
const M: usize = 397;

/// MT19937, with NumPy's and CPython's ways to draw from it.
#[derive(Clone, Debug)]
pub struct Mt19937 {
    state: [u32; N],
    index: usize,
}

impl Mt19937 {
    /// `init_genrand`: what `numpy.random.seed(seed)` does with an integer.
    pub fn from_seed(seed: u32) -> Self {
        let mut state = [0u32; N];
        state[0] = seed;
        for i in 1..N {
            state[i] = 1_812_433_253u32.wrapping_mul(state[i - 1] ^ (state[i - 1] >> 30)).wrapping_add(i as u32);
        }
        Self { state, index: N }
    }

    /// `init_by_array`: what CPython's `random.seed(seed)` does with the 32-bit words of an integer.
    pub fn from_python_seed(seed: u64) -> Self {
        let words = [seed as u32, (seed >> 32) as u32];
        let key = if words[1] == 0 { &words[..1] } else { &words[..] };
        let mut this = Self::from_seed(19_650_218);
        let state = &mut this.state;
        let (mut i, mut j) = (1, 0);
        for _ in 0..N.max(key.len()) {
            state[i] = (state[i] ^ (state[i - 1] ^ (state[i - 1] >> 30)).wrapping_mul(1_664_525))
                .wrapping_add(key[j])
                .wrapping_add(j as u32);
            i += 1;
            j = (j + 1) % key.len();
            if i >= N {
                state[0] = state[N - 1];
                i = 1;
            }
        }
        for _ in 0..N - 1 {
            state[i] =
                (state[i] ^ (state[i - 1] ^ (state[i - 1] >> 30)).wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            i += 1;
            if i >= N {
                state[0] = state[N - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
        this
    }

    pub fn next_u32(&mut self) -> u32 {
        if self.index >= N {
            for i in 0..N {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7FFF_FFFF);
                let magic = if y & 1 == 0 { 0 } else { 0x9908_B0DF };
                self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ magic;
            }
            self.index = 0;
        }
        let mut y = self.state[self.index];
        self.index += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9D2C_5680;
        y ^= (y << 15) & 0xEFC6_0000;
        y ^ (y >> 18)
    }

    /// Uniform in [0, 1) from two words, 53 bits: the same in NumPy and CPython.
    pub fn uniform(&mut self) -> f64 {
        let high = f64::from(self.next_u32() >> 5);
        let low = f64::from(self.next_u32() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// NumPy's legacy bounded integer in 0..=max: a word under the smallest mask, redrawn while too
    /// large; no word is drawn for max = 0 (`legacy random_interval`).
    pub fn numpy_interval(&mut self, max: u32) -> u32 {
        if max == 0 {
            return 0;
        }
        let mask = u32::MAX >> max.leading_zeros();
        loop {
            let draw = self.next_u32() & mask;
            if draw <= max {
                return draw;
            }
        }
    }

    /// NumPy's legacy `permutation(n)`: Fisher-Yates from the end.
    pub fn numpy_permutation(&mut self, n: usize) -> Vec<usize> {
        let mut values: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            let j = self.numpy_interval(i as u32) as usize;
            values.swap(i, j);
        }
        values
    }

    /// CPython's `_randbelow(n)`: the top `n.bit_length()` bits of a word, redrawn until below n.
    pub fn python_below(&mut self, n: u32) -> u32 {
        let bits = 32 - n.leading_zeros();
        loop {
            let draw = self.next_u32() >> (32 - bits);
            if draw < n {
                return draw;
            }
        }
    }

    /// CPython's `random.sample(range(n), k)`, in drawn order; `k <= n`.
    pub fn python_sample(&mut self, n: usize, k: usize) -> Vec<usize> {
        // CPython chooses a pool for small n and a set of taken values otherwise.
        let mut pool_limit = 21;
        if k > 5 {
            pool_limit += 4usize.pow(((k * 3) as f64).log(4.0).ceil() as u32);
        }
        if n <= pool_limit {
            let mut pool: Vec<usize> = (0..n).collect();
            return (0..k)
                .map(|i| {
                    let j = self.python_below((n - i) as u32) as usize;
                    let value = pool[j];
                    pool[j] = pool[n - i - 1];
                    value
                })
                .collect();
        }
        let mut taken = std::collections::HashSet::with_capacity(k);
        (0..k)
            .map(|_| {
                loop {
                    let j = self.python_below(n as u32) as usize;
                    if taken.insert(j) {
                        return j;
                    }
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mt19937_gives_the_authors_first_words() {
        // mt19937ar.c: init_genrand(5489) and init_by_array through CPython's random.seed(0).
        assert_eq!(Mt19937::from_seed(5489).next_u32(), 3_499_211_612);
        assert!((Mt19937::from_python_seed(0).uniform() - 0.844_421_851_525_048_1).abs() < 1e-16);
        assert!((Mt19937::from_seed(0).uniform() - 0.548_813_503_927_324_8).abs() < 1e-16);
    }

    #[test]
    fn python_sample_equals_cpython_3_11() {
        let sorted = |seed, n| {
            let mut drawn = Mt19937::from_python_seed(seed).python_sample(n, 5);
            drawn.sort_unstable();
            drawn
        };
        assert_eq!(sorted(0, 20), [1, 8, 12, 13, 15]);
        assert_eq!(sorted(0, 22), [1, 8, 12, 13, 16]);
        assert_eq!(sorted(0, 100), [5, 33, 49, 53, 97]);
    }

    #[test]
    fn a_keyed_stream_depends_on_seed_and_every_key() {
        let first = |seed, keys: &[u64]| Stream::keyed(seed, keys).next_u64();
        assert_eq!(first(1, &[2, 3]), first(1, &[2, 3]));
        assert_ne!(first(1, &[2, 3]), first(1, &[3, 2]));
        assert_ne!(first(1, &[2, 3]), first(2, &[2, 3]));
        assert_ne!(first(1, &[2]), first(1, &[2, 0]));
    }

    #[test]
    fn draws_stay_in_range_and_samples_are_distinct() {
        let mut stream = Stream::keyed(7, &[]);
        for n in 1..40 {
            assert!(stream.below(n) < n);
            let sample = stream.sample(n as usize, (n / 2) as usize);
            assert!(sample.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(sample.iter().all(|&value| value < n as usize));
        }
    }
}
