//! `harkit.transforms`: option objects in, arrays out.

use numpy::{Element, PyArray4, PyArray5, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::runtime::{OrRaise, detached, to_python};
use crate::clip::FrameShape;
use crate::error::{Error, ErrorKind};
use crate::random::Stream;
use crate::transforms::window::Pixel;
use crate::transforms::{
    self, Draws, Fill, Fixed, FlipDraw, Frame, Interpolation, Plan, Pointwise, Rect, Rule, Size, Transform,
};

/// A transform from its option object in `harkit.transforms`.
pub(crate) fn transform(object: &Bound<'_, PyAny>) -> PyResult<Transform> {
    let name = object.get_type().name()?;
    let options = Options(object);
    Ok(match name.to_str()? {
        "Resize" => {
            let (size, interpolation) = (options.size()?, options.interpolation()?);
            Transform::Fixed(Fixed::Resize { size, interpolation })
        }
        "ResizeShort" => Transform::ResizeShort {
            short: options.get("short")?,
            rule: options.rule()?,
            interpolation: options.interpolation()?,
        },
        "Crop" => Transform::Fixed(Fixed::Crop(options.rect()?)),
        "ResizedCrop" => Transform::Fixed(Fixed::ResizedCrop {
            crop: options.rect()?,
            size: options.size()?,
            interpolation: options.interpolation()?,
        }),
        "CenterCrop" => Transform::CenterCrop { size: options.size()?, rule: options.rule()? },
        "RandomCrop" => Transform::RandomCrop(options.size()?),
        "ThreeCrop" => Transform::Fixed(Fixed::ThreeCrop(options.size()?)),
        "RandomResizedCrop" => Transform::RandomResizedCrop {
            size: options.size()?,
            area: options.get("area")?,
            aspect: options.get("aspect")?,
            interpolation: options.interpolation()?,
        },
        "Flip" => {
            Transform::Fixed(Fixed::Flip { horizontal: options.get("horizontal")?, vertical: options.get("vertical")? })
        }
        "HorizontalFlip" => Transform::RandomFlip(FlipDraw::Horizontal(options.get("probability")?)),
        "VerticalFlip" => Transform::RandomFlip(FlipDraw::Vertical(options.get("probability")?)),
        "RandomFlip" => Transform::RandomFlip(options.flip()?),
        "Rotate" => Transform::Fixed(Fixed::Rotate { angle: options.get("angle")?, fill: options.fill()? }),
        "RandomRotation" => Transform::RandomRotation { angle: options.get("range")?, fill: options.fill()? },
        "Zoom" => Transform::Fixed(Fixed::Zoom(options.get("factor")?)),
        "RandomZoom" => {
            let (low, high) = options.get("range")?;
            Transform::RandomZoom(low, high)
        }
        "Contrast" => Transform::Fixed(Fixed::Contrast(options.get("factor")?)),
        "RandomContrast" => {
            let (low, high) = options.get("range")?;
            Transform::RandomContrast(low, high)
        }
        "ResizeWithPad" => Transform::Fixed(Fixed::ResizeWithPad(options.size()?)),
        "TemporalUpsample" => Transform::TemporalUpsample(options.get("n_frames")?),
        "Bgr" => Transform::Fixed(Fixed::Bgr),
        "ToFloat" => Transform::Fixed(Fixed::Pointwise(Pointwise::ToFloat { scale: options.get("scale")? })),
        "Normalize" => Transform::Fixed(Fixed::Pointwise(Pointwise::Normalize {
            mean: options.get("mean")?,
            std: options.get("std")?,
            scale: options.get("scale")?,
        })),
        other => {
            let message = format!("`transforms` must hold transforms of harkit.transforms, got a {other}");
            return Err(to_python(object.py(), &Error::new(ErrorKind::Type, message)));
        }
    })
}

/// An option object; it has checked its values itself.
struct Options<'a, 'py>(&'a Bound<'py, PyAny>);

impl<'py> Options<'_, 'py> {
    fn get<T: for<'a> FromPyObject<'a, 'py, Error = PyErr>>(&self, name: &str) -> PyResult<T> {
        self.0.getattr(name)?.extract()
    }

    /// One of the closed choices of the option `name`.
    fn choice<T: Copy>(&self, name: &'static str, choices: &[(&str, T)]) -> PyResult<T> {
        let given: String = self.get(name)?;
        let found = choices.iter().find(|(choice, _)| *choice == given);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let all: Vec<_> = choices.iter().map(|(choice, _)| format!("'{choice}'")).collect();
            let message = format!("must be one of {}, got '{given}'", all.join(", "));
            to_python(self.0.py(), &Error::argument(name, message))
        })
    }

    fn size(&self) -> PyResult<Size> {
        self.get("size").map(|(height, width)| Size { height, width })
    }

    fn rect(&self) -> PyResult<Rect> {
        Ok(Rect {
            top: self.get("top")?,
            left: self.get("left")?,
            height: self.get("height")?,
            width: self.get("width")?,
        })
    }

    fn interpolation(&self) -> PyResult<Interpolation> {
        self.choice("interpolation", &INTERPOLATIONS)
    }

    fn rule(&self) -> PyResult<Rule> {
        self.choice("rule", &[("mmaction2", Rule::Mmaction2), ("torchvision", Rule::Torchvision)])
    }

    fn fill(&self) -> PyResult<Fill> {
        self.choice("fill", &FILLS)
    }

    fn flip(&self) -> PyResult<FlipDraw> {
        match self.get::<String>("mode")?.as_str() {
            "horizontal" => Ok(FlipDraw::Horizontal(0.5)),
            "vertical" => Ok(FlipDraw::Vertical(0.5)),
            _ => {
                let versions = [("3.6+", FlipDraw::Shared), ("3.5", FlipDraw::Independent)];
                self.choice("keras_compat", &versions)
            }
        }
    }
}

const INTERPOLATIONS: [(&str, Interpolation); 3] = [
    ("bilinear", Interpolation::Bilinear),
    ("area", Interpolation::Area),
    ("pil_bilinear", Interpolation::PilBilinear),
];
const FILLS: [(&str, Fill); 2] = [("reflect", Fill::Reflect), ("zero", Fill::Zero)];

fn name_of<T: PartialEq>(choices: &[(&'static str, T)], value: &T) -> Option<&'static str> {
    choices.iter().find(|(_, choice)| choice == value).map(|(name, _)| *name)
}

/// The option object of a concrete transform that was drawn for `original`.
fn object<'py>(original: &Bound<'py, PyAny>, fixed: &Fixed) -> PyResult<Bound<'py, PyAny>> {
    let py = original.py();
    let options = PyDict::new(py);
    let rect = |rect: &Rect| -> PyResult<()> {
        options.set_item("top", rect.top)?;
        options.set_item("left", rect.left)?;
        options.set_item("height", rect.height)?;
        options.set_item("width", rect.width)
    };
    match fixed {
        Fixed::Resize { size, interpolation } => {
            options.set_item("size", (size.height, size.width))?;
            options.set_item("interpolation", name_of(&INTERPOLATIONS, interpolation))?;
        }
        Fixed::Crop(crop) => rect(crop)?,
        Fixed::ResizedCrop { crop, size, interpolation } => {
            options.set_item("size", (size.height, size.width))?;
            rect(crop)?;
            options.set_item("interpolation", name_of(&INTERPOLATIONS, interpolation))?;
        }
        Fixed::Flip { horizontal, vertical } => {
            options.set_item("horizontal", horizontal)?;
            options.set_item("vertical", vertical)?;
        }
        Fixed::Rotate { angle, fill } => {
            options.set_item("angle", angle)?;
            options.set_item("fill", name_of(&FILLS, fill))?;
        }
        Fixed::Zoom(factor) | Fixed::Contrast(factor) => options.set_item("factor", factor)?,
        // These are never drawn: they are their own concrete form.
        Fixed::ThreeCrop(_) | Fixed::ResizeWithPad(_) | Fixed::Bgr | Fixed::Pointwise(_) => {
            return Ok(original.clone());
        }
    }
    py.import("harkit.transforms")?.getattr(fixed.name())?.call((), Some(&options))
}

/// A seed of ours, or the pair (numpy.random.RandomState, random.Random) that a report drew from.
#[derive(FromPyObject)]
pub(crate) enum Seed<'py> {
    Ours(u64),
    Streams(Bound<'py, PyAny>, Bound<'py, PyAny>),
}

/// Draws by calling a report's own generators; keeps the first error.
struct PythonStreams<'a, 'py> {
    numpy: &'a Bound<'py, PyAny>,
    python: &'a Bound<'py, PyAny>,
    failed: Option<PyErr>,
}

impl PythonStreams<'_, '_> {
    fn kept<T: Default>(&mut self, drawn: PyResult<T>) -> T {
        drawn.unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            T::default()
        })
    }
}

impl Draws for PythonStreams<'_, '_> {
    fn uniform(&mut self) -> f64 {
        let drawn = self.numpy.call_method0("random_sample").and_then(|value| value.extract());
        self.kept(drawn)
    }

    fn below(&mut self, n: u32) -> u32 {
        let drawn = self.python.call_method1("randrange", (n,)).and_then(|value| value.extract());
        self.kept(drawn)
    }
}

/// The concrete form of each transform for frames of `height` x `width`; nothing for temporal ones.
fn drawn(
    py: Python<'_>,
    list: &[Transform],
    height: usize,
    width: usize,
    seed: &Seed<'_>,
) -> PyResult<Vec<Option<Fixed>>> {
    fn each(list: &[Transform], mut size: Size, draws: &mut impl Draws) -> crate::error::Result<Vec<Option<Fixed>>> {
        list.iter()
            .map(|transform| {
                let fixed = transforms::draw_one(transform, size, draws)?;
                if let Some(fixed) = &fixed {
                    size = fixed.output_size(size)?;
                }
                Ok(fixed)
            })
            .collect()
    }
    let size = Size { height, width }.checked().or_raise(py)?;
    match seed {
        Seed::Ours(seed) => each(list, size, &mut Stream::keyed(*seed, &[])).or_raise(py),
        Seed::Streams(numpy, python) => {
            let mut streams = PythonStreams { numpy, python, failed: None };
            let fixed = each(list, size, &mut streams);
            match streams.failed {
                Some(error) => Err(error),
                None => fixed.or_raise(py),
            }
        }
    }
}

/// The concrete option objects of `transforms` for frames of `size`.
#[pyfunction]
#[pyo3(signature = (transforms, size, seed))]
pub(crate) fn transforms_draw<'py>(
    py: Python<'py>,
    transforms: Vec<Bound<'py, PyAny>>,
    size: (usize, usize),
    seed: Seed<'py>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let list = transforms.iter().map(transform).collect::<PyResult<Vec<_>>>()?;
    let drawn = drawn(py, &list, size.0, size.1, &seed)?;
    let pairs = transforms.iter().zip(list.iter().zip(drawn));
    pairs
        .map(|(original, (transform, fixed))| match (transform, fixed) {
            (Transform::Fixed(_), _) | (_, None) => Ok(original.clone()),
            (_, Some(fixed)) => object(original, &fixed),
        })
        .collect()
}

/// `transforms` applied to `clip` (T, H, W, C), uint8 or float32: (views, T, H, W, C).
#[pyfunction]
#[pyo3(signature = (clip, transforms, seed))]
pub(crate) fn transforms_apply<'py>(
    py: Python<'py>,
    clip: &Bound<'py, PyAny>,
    transforms: Vec<Bound<'py, PyAny>>,
    seed: Seed<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let list = transforms.iter().map(transform).collect::<PyResult<Vec<_>>>()?;
    let shape = clip.getattr("shape")?.extract()?;
    if let Ok(bytes) = clip.cast::<PyArray4<u8>>() {
        let array = bytes.readonly();
        run(py, Frame::U8(array.as_slice()?), shape, &list, &seed)
    } else {
        let array = clip.cast::<PyArray4<f32>>()?.readonly();
        run(py, Frame::F32(array.as_slice()?), shape, &list, &seed)
    }
}

fn run<'py>(
    py: Python<'py>,
    clip: Frame<'_>,
    [frames, height, width, channels]: [usize; 4],
    list: &[Transform],
    seed: &Seed<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let fixed: Vec<Fixed> = drawn(py, list, height, width, seed)?.into_iter().flatten().collect();
    let indices = transforms::frame_indices(list, frames).or_raise(py)?;
    let shape = FrameShape::new(height, width, channels);
    let plan = Plan::new(&fixed, shape, matches!(clip, Frame::F32(_))).or_raise(py)?;
    if plan.gives_floats() { filled::<f32>(py, &plan, clip, &indices) } else { filled::<u8>(py, &plan, clip, &indices) }
}

/// A new array with the result of `plan`.
fn filled<'py, T: Pixel + Element>(
    py: Python<'py>,
    plan: &Plan,
    clip: Frame<'_>,
    indices: &[usize],
) -> PyResult<Bound<'py, PyAny>> {
    let FrameShape { height, width, channels } = plan.shape();
    let out = PyArray5::<T>::zeros(py, [plan.n_views(), indices.len(), height, width, channels], false);
    let mut array = out.readwrite();
    let values = array.as_slice_mut()?;
    detached(py, |job| transforms::apply(plan, clip, indices, values, job))?;
    drop(array);
    Ok(out.into_any())
}
