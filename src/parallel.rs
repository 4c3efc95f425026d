//! The one thread pool, and the jobs that run on it.
//!
//! The pool has as many threads as `set_threads`, the variable `HARKIT_NUM_THREADS`, or the cores that
//! the process may use (affinity and cgroup) say, in this order. A forked child builds its own: threads
//! do not survive a fork. Results never depend on the number of threads: outputs are ordered, and
//! nothing is summed across workers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use crate::error::{Error, ErrorKind, Result};

/// A piece of long work: whether it is to stop, and how far it has come.
#[derive(Debug, Default)]
pub struct Job {
    cancelled: Arc<AtomicBool>,
    done: AtomicUsize,
}

impl Job {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// The flag itself, for whoever cannot borrow the job (FFmpeg's reads).
    pub fn cancelled_flag(&self) -> Arc<AtomicBool> {
        self.cancelled.clone()
    }

    /// The error of cancelled work, for `?` in loops.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::new(ErrorKind::Cancelled, "stopped")) } else { Ok(()) }
    }

    /// Counts one finished item.
    pub fn advance(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Items finished so far.
    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }
}

struct Pool {
    process: u32,
    threads: usize,
    pool: Arc<rayon::ThreadPool>,
}

static POOL: Mutex<Option<Pool>> = Mutex::new(None);
static WANTED: AtomicUsize = AtomicUsize::new(0);

/// More threads than this are a mistake: systems refuse to start them.
pub const MOST_THREADS: usize = 1024;

fn default_threads() -> usize {
    std::env::var("HARKIT_NUM_THREADS")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .filter(|&threads: &usize| (1..=MOST_THREADS).contains(&threads))
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Threads of the pool, now or when it is first used.
pub fn threads() -> usize {
    match WANTED.load(Ordering::Relaxed) {
        0 => default_threads(),
        wanted => wanted,
    }
}

/// Sets the number of threads; 0 goes back to the default. Running work keeps the pool it has.
pub fn set_threads(threads: usize) {
    WANTED.store(threads, Ordering::Relaxed);
}

/// The pool of this process.
pub fn pool() -> Result<Arc<rayon::ThreadPool>> {
    let (process, threads) = (std::process::id(), threads());
    let mut slot = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = slot.as_ref()
        && known.process == process
        && known.threads == threads
    {
        return Ok(known.pool.clone());
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("harkit-{i}"))
        // candle's autograd recurses over what it differentiates; untouched pages cost nothing.
        .stack_size(64 << 20)
        .build()
        .map_err(|error| Error::new(ErrorKind::Internal, format!("could not start {threads} threads: {error}")))?;
    let pool = Arc::new(pool);
    if let Some(old) = slot.replace(Pool { process, threads, pool: pool.clone() })
        && old.process != process
    {
        // The threads of a forked parent are not here: dropping the pool would wait for them.
        std::mem::forget(old);
    }
    Ok(pool)
}

/// Whether this thread is one of the pool's.
pub fn is_worker() -> bool {
    rayon::current_thread_index().is_some()
}

/// `work(i, item)` for each item on the pool; results in the order of the items. Counts each finished
/// item on `job`; work that has not begun when `job` is cancelled gives the error of a cancelled job.
pub fn map_ordered<T: Sync, R: Send>(
    items: &[T],
    job: &Job,
    work: impl Fn(usize, &T) -> Result<R> + Sync,
) -> Result<Vec<Result<R>>> {
    let one = |(i, item): (usize, &T)| {
        job.check()?;
        let result = work(i, item);
        job.advance();
        result
    };
    // with_max_len(1): items are long (a video each), so each is stolen by itself.
    Ok(pool()?.install(|| items.par_iter().with_max_len(1).enumerate().map(one).collect()))
}

/// `work(i, chunk, scratch)` for each chunk of `size` values on the pool, `scratch` kept from chunk to
/// chunk by a thread. Counts each finished chunk on `job`; gives the first error that a thread met.
pub fn for_each_chunk<T: Send, S: Default>(
    values: &mut [T],
    size: usize,
    job: &Job,
    work: impl Fn(usize, &mut [T], &mut S) -> Result<()> + Sync + Send,
) -> Result<()> {
    let one = |scratch: &mut S, (i, chunk): (usize, &mut [T])| {
        job.check()?;
        work(i, chunk, scratch)?;
        job.advance();
        Ok(())
    };
    pool()?.install(|| values.par_chunks_exact_mut(size).enumerate().try_for_each_init(S::default, one))
}

/// `work(i, piece)` for consecutive pieces of `size` values (the last may be shorter) on the pool.
pub fn for_each_piece<T: Send>(values: &mut [T], size: usize, work: impl Fn(usize, &mut [T]) + Sync) -> Result<()> {
    if values.len() <= size {
        if !values.is_empty() {
            work(0, values);
        }
        return Ok(());
    }
    let one = |(i, piece): (usize, &mut [T])| work(i, piece);
    pool()?.install(|| values.par_chunks_mut(size).enumerate().with_max_len(1).for_each(one));
    Ok(())
}

/// [`for_each_piece`] whose work gives results, in the order of the pieces.
pub fn map_pieces<T: Send, R: Send>(
    values: &mut [T],
    size: usize,
    work: impl Fn(usize, &mut [T]) -> R + Sync,
) -> Result<Vec<R>> {
    let one = |(i, piece): (usize, &mut [T])| work(i, piece);
    Ok(pool()?.install(|| values.par_chunks_mut(size).enumerate().with_max_len(1).map(one).collect()))
}

/// `work(start, stop)` for consecutive blocks of `size` (the last may be shorter) of 0..length on the pool;
/// results in the order of the blocks. So a sum that is taken over them does not depend on the threads.
pub fn map_blocks<R: Send>(
    length: usize,
    size: usize,
    job: &Job,
    work: impl Fn(usize, usize) -> R + Sync,
) -> Result<Vec<R>> {
    let one = |i: usize| {
        job.check()?;
        Ok(work(i * size, length.min((i + 1) * size)))
    };
    let blocks = length.div_ceil(size);
    if blocks <= 1 {
        return (0..blocks).map(one).collect();
    }
    pool()?.install(|| (0..blocks).into_par_iter().with_max_len(1).map(one).collect())
}

/// `work(changed, read)` for consecutive blocks of `size` (the last may be shorter) of several arrays of one length, on
/// the pool.
pub fn for_each_block<const N: usize, const M: usize>(
    changed: [&mut [f32]; N],
    read: [&[f32]; M],
    size: usize,
    job: &Job,
    work: impl Fn([&mut [f32]; N], [&[f32]; M]) + Sync,
) -> Result<()> {
    let length = changed.iter().map(|array| array.len()).chain(read.iter().map(|array| array.len())).max();
    let mut parts = changed.map(|array| array.chunks_mut(size));
    let mut given = read.map(|array| array.chunks(size));
    let blocks = (0..length.unwrap_or(0).div_ceil(size)).map(|_| {
        let changed = parts.each_mut().map(|chunks| chunks.next().unwrap_or_default());
        (changed, given.each_mut().map(|chunks| chunks.next().unwrap_or_default()))
    });
    let one = |(changed, read)| {
        job.check()?;
        work(changed, read);
        Ok(())
    };
    let mut blocks: Vec<_> = blocks.collect();
    if blocks.len() <= 1 {
        return blocks.pop().map_or(Ok(()), one);
    }
    pool()?.install(|| blocks.into_par_iter().with_max_len(1).try_for_each(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items_and_are_counted() {
        let items: Vec<usize> = (0..100).collect();
        let job = Job::new();
        let results = map_ordered(&items, &job, |i, &item| Ok(i + item)).unwrap();
        assert_eq!(
            results.into_iter().map(Result::unwrap).collect::<Vec<_>>(),
            (0..100).map(|i| 2 * i).collect::<Vec<_>>()
        );
        assert_eq!(job.done(), 100);
    }

    #[test]
    fn blocks_cover_a_range_in_order() {
        let blocks = map_blocks(10, 4, &Job::new(), |start, stop| (start, stop)).unwrap();
        assert_eq!(blocks, [(0, 4), (4, 8), (8, 10)]);
        assert!(map_blocks(0, 4, &Job::new(), |start, stop| (start, stop)).unwrap().is_empty());
    }

    #[test]
    fn pieces_cover_a_slice_with_a_shorter_last() {
        for (length, size) in [(0, 3), (2, 3), (3, 3), (10, 3)] {
            let mut values = vec![0; length];
            for_each_piece(&mut values, size, |i, piece| piece.fill(i + 1)).unwrap();
            assert_eq!(values, (0..length).map(|at| at / size + 1).collect::<Vec<_>>());
        }
    }

    #[test]
    fn blocks_of_several_arrays_lie_beside_each_other() {
        let (mut sums, mut counts) = (vec![0.0; 10], vec![0.0; 10]);
        let given: Vec<f32> = (0..10u8).map(f32::from).collect();
        let add = |[sum, count]: [&mut [f32]; 2], [values]: [&[f32]; 1]| {
            assert_eq!((sum.len(), count.len()), (values.len(), values.len()));
            sum.copy_from_slice(values);
            count.iter_mut().for_each(|count| *count += values.len() as f32);
        };
        for_each_block([&mut sums, &mut counts], [&given], 4, &Job::new(), add).unwrap();
        assert_eq!(sums, given);
        assert_eq!(counts, [4., 4., 4., 4., 4., 4., 4., 4., 2., 2.]);
    }

    #[test]
    fn a_cancelled_job_does_not_begin_new_work() {
        let job = Job::new();
        job.cancel();
        let results = map_ordered(&[1, 2], &job, |_, _| Ok(())).unwrap();
        assert!(results.iter().all(|result| matches!(result, Err(error) if error.kind() == ErrorKind::Cancelled)));
    }
}
