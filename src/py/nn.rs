//! `harkit._core.Network`: a graph, its parameters, and the executors.

mod arrays;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{DType, Device, Tensor};
use numpy::PyArrayDyn;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use self::arrays::{Batch, Values, to_numpy, weights};
use super::runtime::{OrRaise, Turn, Turns, detached, to_python};
use crate::error::{Error, ErrorKind, Result};
use crate::nn::eager::{self, Tensors};
use crate::nn::plan::{Cache, Plan, Training};
use crate::nn::{Array, Graph, Mode, NodeId, Parameters, Precision};
use crate::parallel::Job;
use crate::simd::{Level, level};

/// Tell what networks run on.
///
/// Returns
/// -------
/// str
///     The instructions of the compiled executor's kernels, and whether this build has CUDA.
#[pyfunction]
pub fn network_kernels() -> String {
    let kernels = match level() {
        Level::Plain => "plain kernels",
        Level::Avx2 => "AVX2 kernels",
        Level::Avx512 | Level::Vbmi => "AVX-512 kernels",
    };
    format!("{kernels} of harkit's own; {}", if cfg!(feature = "cuda") { "CUDA" } else { "no CUDA in this build" })
}

/// A neural network: a graph of named layers and the values of its parameters.
///
/// Notes
/// -----
/// Made by `from_json`. Work runs with the GIL released on what the network was when it began; ``set`` and the like,
/// from another thread, change what comes after. Pickles by architecture and parameters.
#[pyclass(frozen, module = "harkit._core")]
pub struct Network {
    state: Mutex<State>,
    turns: Turns,
}

struct State {
    graph: Arc<Graph>,
    parameters: Arc<Parameters>,
    /// What the eager executor used last; dropped when parameters change.
    tensors: Option<(String, DType, Arc<Tensors>)>,
    /// What the plan executor used last; its plans are dropped when parameters or graph change.
    programs: Cache,
}

/// The graph and tensors that one piece of work runs on.
struct Snapshot {
    graph: Arc<Graph>,
    parameters: Arc<Parameters>,
    tensors: Option<Arc<Tensors>>,
}

impl Network {
    fn new(graph: Graph, parameters: Parameters) -> Self {
        let (graph, parameters) = (Arc::new(graph), Arc::new(parameters));
        let state = State { graph, parameters, tensors: None, programs: Cache::default() };
        Self { state: Mutex::new(state), turns: Turns::default() }
    }

    /// For work in the pool; held until the work has ended.
    pub(super) fn turn(&self, py: Python<'_>) -> Turn<'_> {
        self.turns.take(py)
    }

    /// By who has the turn, or for a moment.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the network is at this moment.
    pub(super) fn graph_and_parameters(&self) -> (Arc<Graph>, Arc<Parameters>) {
        let state = self.state();
        (state.graph.clone(), state.parameters.clone())
    }

    /// Whether the graph says that products are rounded, which the eager executor alone does.
    pub(super) fn rounds(&self) -> bool {
        self.graph().precision != Precision::Full
    }

    fn graph(&self) -> Arc<Graph> {
        self.state().graph.clone()
    }

    /// Changes the graph or the parameters.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Graph, &mut Parameters) -> Result<R>) -> Result<R> {
        let mut state = self.state();
        let State { graph, parameters, tensors, programs } = &mut *state;
        *tensors = None;
        programs.forget_plans();
        change(Arc::make_mut(graph), Arc::make_mut(parameters))
    }

    /// Runs a plan for inputs of one shape, which is kept for the next call if nothing has changed meanwhile.
    fn planned<R>(
        &self,
        shape: &[usize],
        wanted: impl Fn(&Graph) -> Result<Vec<NodeId>>,
        run: impl FnOnce(&mut Plan) -> Result<R>,
    ) -> Result<R> {
        let (graph, parameters, known) = {
            let mut state = self.state();
            let wanted = wanted(&state.graph)?;
            let known = state.programs.take_plan(shape, &wanted);
            (state.graph.clone(), state.parameters.clone(), known)
        };
        let mut plan = match known {
            Some(plan) => plan,
            None => Plan::new(&graph, &parameters, shape, &wanted(&graph)?)?,
        };
        let result = run(&mut plan)?;
        let mut state = self.state();
        if Arc::ptr_eq(&state.graph, &graph) && Arc::ptr_eq(&state.parameters, &parameters) {
            state.programs.put_plan(plan);
        }
        Ok(result)
    }

    /// Runs the training program for batches of one shape, which is kept for the next call.
    pub(super) fn trained<R>(
        &self,
        shape: &[usize],
        run: impl FnOnce(&mut Training, Arc<Parameters>) -> Result<R>,
    ) -> Result<R> {
        let (graph, parameters, known) = {
            let mut state = self.state();
            let graph = state.graph.clone();
            let known = state.programs.take_training(&graph, shape);
            (graph, state.parameters.clone(), known)
        };
        let mut training = match known {
            Some(training) => training,
            None => Training::new(&graph, shape)?,
        };
        drop(graph);
        let result = run(&mut training, parameters)?;
        self.state().programs.put_training(training);
        Ok(result)
    }

    fn snapshot(&self, device: &str, dtype: DType) -> Snapshot {
        let state = self.state();
        let known = state.tensors.as_ref().filter(|(name, of, _)| name == device && *of == dtype);
        Snapshot {
            graph: state.graph.clone(),
            parameters: state.parameters.clone(),
            tensors: known.map(|(_, _, tensors)| tensors.clone()),
        }
    }

    /// The tensors of a snapshot, kept for the next call if nothing has changed meanwhile.
    fn tensors(&self, snapshot: &Snapshot, name: &str, device: &Device, dtype: DType) -> Result<Arc<Tensors>> {
        if let Some(tensors) = &snapshot.tensors {
            return Ok(tensors.clone());
        }
        let tensors = Arc::new(eager::tensors(&snapshot.parameters, device, dtype)?);
        let mut state = self.state();
        if Arc::ptr_eq(&state.parameters, &snapshot.parameters) {
            state.tensors = Some((name.to_owned(), dtype, tensors.clone()));
        }
        Ok(tensors)
    }
}

/// What pickle keeps: a function and its arguments.
type Reduced<'py> = (Bound<'py, PyAny>, (String, Bound<'py, PyDict>));

#[pymethods]
impl Network {
    /// Make a network of an architecture.
    ///
    /// Parameters
    /// ----------
    /// architecture : str
    ///     What the attribute `architecture` of a network says.
    ///
    /// Returns
    /// -------
    /// Network
    ///     Its parameters hold initial values of seed 0.
    #[staticmethod]
    fn from_json(py: Python<'_>, architecture: &str) -> PyResult<Self> {
        let graph = Graph::from_json(architecture).or_raise(py)?;
        let parameters = detached(py, |_| Ok(graph.initialised(0)))?;
        Ok(Self::new(graph, parameters))
    }

    /// Make a network of an architecture and parameters: what pickle calls.
    ///
    /// Parameters
    /// ----------
    /// architecture : str
    ///     As of `from_json`.
    /// parameters : dict[str, ndarray]
    ///     Arrays by name, all that the architecture has.
    ///
    /// Returns
    /// -------
    /// Network
    ///     The network.
    #[staticmethod]
    fn from_state(py: Python<'_>, architecture: &str, parameters: &Bound<'_, PyDict>) -> PyResult<Self> {
        let graph = Graph::from_json(architecture).or_raise(py)?;
        let mut arrays = Parameters::new();
        for parameter in graph.parameters() {
            let Some(value) = parameters.get_item(&parameter.name)? else {
                let message = format!("have no tensor {:?}", parameter.name);
                return Err(to_python(py, &Error::argument("parameters", message)));
            };
            arrays.insert(parameter.name.clone(), weights(&value, &parameter.name, &parameter.spec.shape)?);
        }
        Ok(Self::new(graph, arrays))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        let (graph, parameters) = {
            let state = self.state();
            (state.graph.clone(), state.parameters.clone())
        };
        let arrays = PyDict::new(py);
        for (name, array) in parameters.iter() {
            arrays.set_item(name, to_numpy(py, array.data().to_vec(), array.shape())?)?;
        }
        let restore = PyType::new::<Self>(py).getattr("from_state")?;
        Ok((restore, (graph.to_json().or_raise(py)?, arrays)))
    }

    /// The graph as JSON.
    #[getter]
    fn architecture(&self, py: Python<'_>) -> PyResult<String> {
        self.graph().to_json().or_raise(py)
    }

    /// Set all parameters to initial values.
    ///
    /// Parameters
    /// ----------
    /// seed : int
    ///     What they are drawn from; each parameter has its own stream.
    fn initialise(&self, py: Python<'_>, seed: u64) -> PyResult<()> {
        let _turn = self.turn(py);
        detached(py, |_| {
            let drawn = self.graph().initialised(seed);
            self.change(|_, parameters| {
                *parameters = drawn;
                Ok(())
            })
        })
    }

    /// List the parameters and running statistics.
    ///
    /// Returns
    /// -------
    /// list[tuple[str, list[int], bool, bool]]
    ///     Name, shape, whether it is learnt (else a running statistic), and whether training changes it.
    fn parameters(&self) -> Vec<(String, Vec<usize>, bool, bool)> {
        let parameters = self.graph().parameters().into_iter();
        parameters.map(|p| (p.name, p.spec.shape, p.spec.learnt, p.trainable)).collect()
    }

    /// Copy a parameter.
    ///
    /// Parameters
    /// ----------
    /// name : str
    ///     As of `parameters`.
    ///
    /// Returns
    /// -------
    /// ndarray
    ///     float32.
    fn get<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let parameters = self.state().parameters.clone();
        let array = parameters.get(name).or_raise(py)?;
        to_numpy(py, array.data().to_vec(), array.shape())
    }

    /// Set a parameter.
    ///
    /// Parameters
    /// ----------
    /// name : str
    ///     As of `parameters`.
    /// value : ndarray
    ///     float32 or float64, of the parameter's shape.
    fn set(&self, py: Python<'_>, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let shape = self.state().parameters.get(name).map(|array| array.shape().to_vec()).or_raise(py)?;
        let value = weights(value, name, &shape)?;
        self.change(|_, parameters| parameters.get_mut(name).map(|array| *array = value)).or_raise(py)
    }

    /// Tell the shape of every layer's output.
    ///
    /// Parameters
    /// ----------
    /// shape : sequence of int
    ///     The shape of a batch.
    ///
    /// Returns
    /// -------
    /// list[list[int]]
    ///     A shape for each layer, in order.
    fn shapes(&self, py: Python<'_>, shape: Vec<usize>) -> PyResult<Vec<Vec<usize>>> {
        self.graph().shapes(&shape).or_raise(py)
    }

    /// Count the multiply-adds of every layer.
    ///
    /// Parameters
    /// ----------
    /// shape : sequence of int
    ///     The shape of a batch.
    ///
    /// Returns
    /// -------
    /// list[int]
    ///     A number for each layer, in order: products with parameters, and attention's.
    fn multiply_adds(&self, py: Python<'_>, shape: Vec<usize>) -> PyResult<Vec<u64>> {
        let graph = self.graph();
        let shapes = graph.shapes(&shape).or_raise(py)?;
        let of = |(node, output): (&crate::nn::Node, &Vec<usize>)| {
            let given = node.inputs.first().map_or(&shape, |&id| &shapes[id]);
            node.layer.multiply_adds(given, output)
        };
        Ok(graph.nodes.iter().zip(&shapes).map(of).collect())
    }

    /// Run the network in evaluation.
    ///
    /// Parameters
    /// ----------
    /// x : ndarray
    ///     A batch, float32 or (with ``executor="eager"``) float64.
    /// stages : sequence of str
    ///     Names of stages; none for the output alone.
    /// executor : {"plan", "eager"}
    ///     Kernels compiled for this input's shape, or candle's operators.
    /// device : str
    ///     "cpu", "cuda" or "cuda:1", for ``executor="eager"``.
    ///
    /// Returns
    /// -------
    /// list[ndarray]
    ///     The output, or that of each stage, in the type of `x`.
    #[pyo3(signature = (x, stages=Vec::new(), *, executor, device="cpu"))]
    fn forward<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        stages: Vec<String>,
        executor: &str,
        device: &str,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let input = Batch::read("x", x)?;
        let wanted = |graph: &Graph| -> Result<Vec<NodeId>> {
            if stages.is_empty() {
                return Ok(vec![graph.output()]);
            }
            stages.iter().map(|name| graph.stage(name)).collect()
        };
        let run = |job: &Job| {
            let graph = self.graph();
            let nodes = wanted(&graph)?;
            input.check(&graph)?;
            let place = match Place::new(executor, device)? {
                Place::Plan => {
                    let values = input.single()?;
                    let outputs = self.planned(&input.shape, wanted, |plan| plan.run(values, job))?;
                    return Ok(outputs.into_iter().map(Values::of_array).collect());
                }
                Place::Eager(device) => device,
            };
            let snapshot = self.snapshot(device, input.dtype());
            let tensors = self.tensors(&snapshot, device, &place, input.dtype())?;
            let x = input.tensor(&place)?;
            let outputs = eager::forward(&snapshot.graph, &tensors, &x, Mode::Evaluation, &nodes, job)?;
            outputs.iter().map(Values::of).collect::<Result<Vec<_>>>()
        };
        let turn = self.turn(py);
        let outputs = detached(py, run)?;
        drop(turn);
        outputs.into_iter().map(|values| values.into_numpy(py)).collect()
    }

    /// Differentiate ``sum(output * cotangent)``.
    ///
    /// Parameters
    /// ----------
    /// x : ndarray
    ///     A batch, float32 or (with ``executor="eager"``) float64.
    /// cotangent : ndarray
    ///     Of the output's shape and the type of `x`.
    /// training : bool
    ///     Batch statistics and dropout, or running statistics and none.
    /// seed : int
    ///     What dropout draws from.
    /// executor : {"plan", "eager"}
    ///     As of `forward`.
    /// device : str
    ///     As of `forward`.
    ///
    /// Returns
    /// -------
    /// tuple[ndarray, ndarray, dict[str, ndarray], dict[str, ndarray]]
    ///     The output, the gradient of `x`, gradients of what is trainable by name, and new running statistics by
    ///     name. The network itself stays as it is.
    #[pyo3(signature = (x, cotangent, *, training, seed=0, executor, device="cpu"))]
    #[expect(clippy::too_many_arguments, reason = "the settings of one call from Python, by name")]
    #[expect(clippy::type_complexity, reason = "the four results of one call, named in the docstring")]
    fn gradients<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        cotangent: &Bound<'py, PyAny>,
        training: bool,
        seed: u64,
        executor: &str,
        device: &str,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyDict>, Bound<'py, PyDict>)> {
        let input = Batch::read("x", x)?;
        let cotangent = Batch::read("cotangent", cotangent)?;
        if input.dtype() != cotangent.dtype() {
            let message = "`cotangent` must be of the type of `x`";
            return Err(to_python(py, &Error::new(ErrorKind::Type, message)));
        }
        let mode = if training { Mode::Training { seed } } else { Mode::Evaluation };
        let run = |job: &Job| {
            input.check(&self.graph())?;
            cotangent.check_finite()?;
            let place = match Place::new(executor, device)? {
                Place::Plan => return self.planned_gradients(&input, &cotangent, mode, job),
                Place::Eager(device) => device,
            };
            let snapshot = self.snapshot(device, input.dtype());
            let tensors = self.tensors(&snapshot, device, &place, input.dtype())?;
            let (x, cotangent) = (input.tensor(&place)?, cotangent.tensor(&place)?);
            let found = eager::gradients(&snapshot.graph, &tensors, &x, &cotangent, mode, job)?;
            let by_name = |tensors: &BTreeMap<String, Tensor>| {
                let each = tensors.iter();
                each.map(|(name, tensor)| Ok((name.clone(), Values::of(tensor)?))).collect::<Result<Vec<_>>>()
            };
            Ok((
                Values::of(&found.output)?,
                Values::of(&found.input)?,
                by_name(&found.parameters)?,
                by_name(&found.statistics)?,
            ))
        };
        let turn = self.turn(py);
        let (output, gradient, parameters, statistics) = detached(py, run)?;
        drop(turn);
        let dict = |values: Vec<(String, Values)>| -> PyResult<Bound<'py, PyDict>> {
            let dict = PyDict::new(py);
            for (name, values) in values {
                dict.set_item(name, values.into_numpy(py)?)?;
            }
            Ok(dict)
        };
        Ok((output.into_numpy(py)?, gradient.into_numpy(py)?, dict(parameters)?, dict(statistics)?))
    }

    /// Freeze everything up to a stage.
    ///
    /// Parameters
    /// ----------
    /// until : str or None
    ///     A stage; None thaws everything.
    fn freeze(&self, py: Python<'_>, until: Option<&str>) -> PyResult<()> {
        let change = |graph: &mut Graph, _: &mut Parameters| {
            let node = until.map(|name| graph.stage(name)).transpose()?;
            graph.freeze(node);
            Ok(())
        };
        self.change(change).or_raise(py)
    }

    /// Freeze the batch norms: their parameters, and their running statistics, which they then use.
    fn freeze_norms(&self, py: Python<'_>) -> PyResult<()> {
        let change = |graph: &mut Graph, _: &mut Parameters| {
            graph.freeze_norms();
            Ok(())
        };
        self.change(change).or_raise(py)
    }

    /// Make everything trainable.
    fn thaw(&self, py: Python<'_>) -> PyResult<()> {
        self.freeze(py, None)
    }

    /// Set how products with matrices are rounded.
    ///
    /// Parameters
    /// ----------
    /// precision : {"full", "float16", "bfloat16"}
    ///     In the half types, what goes into a product and what comes out is rounded, backward too; parameters stay
    ///     float32, and sums are taken in float32. For ``executor="eager"``. It is part of the architecture.
    fn set_precision(&self, py: Python<'_>, precision: &str) -> PyResult<()> {
        let known = Precision::named(precision).ok_or_else(|| {
            let message = format!("must be \"full\", \"float16\" or \"bfloat16\", got {precision:?}");
            Error::argument("precision", message)
        });
        let precision = known.or_raise(py)?;
        let change = |graph: &mut Graph, _: &mut Parameters| {
            graph.precision = precision;
            Ok(())
        };
        self.change(change).or_raise(py)
    }

    /// Give the classifier another number of classes, and initial values.
    ///
    /// Parameters
    /// ----------
    /// n_classes : int
    ///     At least 1.
    /// seed : int
    ///     What its parameters are drawn from.
    fn replace_classifier(&self, py: Python<'_>, n_classes: usize, seed: u64) -> PyResult<()> {
        let change = |graph: &mut Graph, parameters: &mut Parameters| {
            let mut changed = graph.clone();
            let name = changed.replace_classifier(n_classes)?;
            changed.check()?;
            for parameter in changed.parameters().into_iter().filter(|p| p.name.starts_with(&format!("{name}."))) {
                let shape = parameter.spec.shape;
                let values = parameter.spec.init.draw(seed, &parameter.name, &shape);
                parameters.insert(parameter.name, Array::new(shape, values)?);
            }
            *graph = changed;
            Ok(())
        };
        self.change(change).or_raise(py)
    }
}

type Named = Vec<(String, Values)>;

impl Network {
    /// `gradients` by the plan executor.
    fn planned_gradients(
        &self,
        input: &Batch,
        cotangent: &Batch,
        mode: Mode,
        job: &Job,
    ) -> Result<(Values, Values, Named, Named)> {
        let (x, cotangent) = (input.single()?, cotangent.single()?);
        let (output, found) = self.trained(&input.shape, |training, parameters| {
            let output = training.forward(&parameters, x, mode, job)?;
            Ok((output, training.backward(&parameters, cotangent, true, job)?))
        })?;
        let by_name = |parameters: Parameters| -> Named {
            parameters.into_iter().map(|(name, array)| (name, Values::of_array(array))).collect()
        };
        let gradient = found.input.ok_or_else(|| Error::new(ErrorKind::Internal, "lost the input's gradient"))?;
        Ok((Values::of_array(output), Values::of_array(gradient), by_name(found.parameters), by_name(found.statistics)))
    }
}

/// How and where work runs.
enum Place {
    Plan,
    Eager(Device),
}

impl Place {
    fn new(executor: &str, device: &str) -> Result<Self> {
        match executor {
            "eager" => Ok(Self::Eager(eager::device(device)?)),
            "plan" if device == "cpu" => Ok(Self::Plan),
            "plan" => Err(Error::argument("device", format!("must be \"cpu\" for executor \"plan\", got {device:?}"))),
            _ => Err(Error::argument("executor", format!("must be \"plan\" or \"eager\", got {executor:?}"))),
        }
    }
}
