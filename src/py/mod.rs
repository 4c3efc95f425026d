//! `harkit._core`: arguments in, arrays out. One file a room, no arithmetic.

use pyo3::prelude::*;

use crate::error::Error;
use runtime::OrRaise;

mod encoders;
mod enhancement;
mod loading;
mod models;
mod nn;
mod runtime;
mod sampling;
mod stip;
mod training;
mod transforms;
mod video;
mod weights;

/// Tell how many threads harkit's pool has.
///
/// Returns
/// -------
/// int
///     What `set_num_threads` said; else the environment variable ``HARKIT_NUM_THREADS``; else the
///     cores that the process may use (affinity and cgroup).
#[pyfunction]
fn num_threads() -> usize {
    crate::parallel::threads()
}

/// Set how many threads harkit's pool has.
///
/// Parameters
/// ----------
/// threads : int
///     At least 1; 0 goes back to the default. Work that is running keeps the threads it has.
///
/// Notes
/// -----
/// Results never depend on the number of threads.
#[pyfunction]
fn set_num_threads(py: Python<'_>, threads: i64) -> PyResult<()> {
    let known = usize::try_from(threads).ok().filter(|&threads| threads <= crate::parallel::MOST_THREADS);
    let known = known.ok_or_else(|| {
        let most = crate::parallel::MOST_THREADS;
        Error::argument("threads", format!("must be 0 (the default) to {most}, got {threads}"))
    });
    known.map(crate::parallel::set_threads).or_raise(py)
}

#[pymodule]
mod _core {
    #[pymodule_export]
    use super::encoders::{
        bag_of_words, center_distances, fisher_vector, kmeans_fit, mixture_fit, mixture_posteriors, nearest_centers,
        vlad_residuals,
    };
    #[pymodule_export]
    use super::enhancement::{check_enhancement, enhance_clip};
    #[pymodule_export]
    use super::loading::{check_recipe, load_video, load_videos, video_lengths};
    #[pymodule_export]
    use super::models::{architecture_parameters, build_architecture, check_device, list_architectures};
    #[pymodule_export]
    use super::nn::{Network, network_kernels};
    #[pymodule_export]
    use super::sampling::{check_sampling, indices, indices_many, sampling_traits};
    #[pymodule_export]
    use super::stip::description::{
        StipHistograms, stip_check_flow, stip_check_histograms, stip_histograms, stip_optical_flow,
    };
    #[pymodule_export]
    use super::stip::detection::{StipDetector, stip_check, stip_detect};
    #[pymodule_export]
    use super::stip::jets::{StipJets, stip_jets};
    #[pymodule_export]
    use super::stip::steps::{stip_gradients, stip_response, stip_scale_space, stip_second_moments, stip_select};
    #[pymodule_export]
    use super::training::{Optimiser, check_cross_entropy, cross_entropy};
    #[pymodule_export]
    use super::transforms::{transforms_apply, transforms_draw};
    #[pymodule_export]
    use super::video::{Reader, Writer, ffmpeg_build, inspect_videos, write_frames};
    #[pymodule_export]
    use super::weights::{Checkpoint, read_checkpoint, write_safetensors};
    #[pymodule_export]
    use super::{num_threads, set_num_threads};
}
