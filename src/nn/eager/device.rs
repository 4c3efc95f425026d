//! Devices by name.

use candle_core::Device;

use crate::error::{Error, ErrorKind, Result};

/// "cpu", "cuda" (the first GPU) or "cuda:1".
pub fn device(name: &str) -> Result<Device> {
    if name == "cpu" {
        return Ok(Device::Cpu);
    }
    let number = match name.strip_prefix("cuda") {
        Some("") => Some(0),
        Some(rest) => rest.strip_prefix(':').and_then(|number| number.parse().ok()),
        None => None,
    };
    let Some(number) = number else {
        let message = format!("must be \"cpu\", \"cuda\" or \"cuda:\" and a number, got {name:?}");
        return Err(Error::argument("device", message));
    };
    if !candle_core::utils::cuda_is_available() {
        let message = format!(
            "`device` {name:?} needs a build of harkit with CUDA, and this one has none: build it with \
             `maturin build --release --features cuda` where NVIDIA's CUDA toolkit is, or use \"cpu\""
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Device::new_cuda(number).map_err(|error| Error::argument("device", format!("{name:?} cannot be used: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_says_what_to_do() {
        assert!(matches!(device("cpu"), Ok(Device::Cpu)));
        for name in ["gpu", "cuda:", "cuda:x", "cuda1"] {
            assert_eq!(device(name).unwrap_err().kind(), ErrorKind::Argument, "{name}");
        }
        if !candle_core::utils::cuda_is_available() {
            let error = device("cuda:1").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains("--features cuda"), "{error}");
        }
    }
}
