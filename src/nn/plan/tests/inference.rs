//! What `Plan` computes.

use super::super::Plan;
use super::graphs::{self, Case};
use super::interpreter::{run, widened};
use super::{assert_close, wide};
use crate::nn::{Array, Mode, NodeId};
use crate::parallel::{self, Job};

/// Float32 sums of a few hundred products, through a few layers.
const TOLERANCE: f64 = 1e-5;

fn planned(case: &Case, wanted: &[NodeId]) -> (Plan, Array) {
    let parameters = graphs::parameters(&case.graph, 5);
    let plan = Plan::new(&case.graph, &parameters, &case.input, wanted).unwrap();
    (plan, graphs::random(&case.input, 6))
}

#[test]
fn outputs_equal_those_of_plain_loops_fused_or_not() {
    for case in graphs::all() {
        let every: Vec<NodeId> = (0..case.graph.nodes.len()).collect();
        let stages: Vec<NodeId> = case.graph.stages.iter().map(|stage| stage.node).collect();
        let parameters = widened(&graphs::parameters(&case.graph, 5));
        let input = wide(&graphs::random(&case.input, 6));
        let values = run(&case.graph, &parameters, &input, Mode::Evaluation);
        for wanted in [vec![case.graph.output()], every, stages] {
            let (mut plan, input) = planned(&case, &wanted);
            for _ in 0..2 {
                plan.poison();
                let outputs = plan.run(input.data(), &Job::new()).unwrap();
                for (output, &node) in outputs.iter().zip(&wanted) {
                    let what = format!("{} at {}", case.graph.name, case.graph.nodes[node].name);
                    assert_close(output, &values[node], TOLERANCE, &what);
                }
            }
        }
    }
}

#[test]
fn outputs_are_the_same_bytes_on_any_number_of_threads() {
    for case in graphs::all() {
        let every: Vec<NodeId> = (0..case.graph.nodes.len()).collect();
        let outputs = |threads: usize| {
            parallel::set_threads(threads);
            let (mut plan, input) = planned(&case, &every);
            plan.run(input.data(), &Job::new()).unwrap()
        };
        let one = outputs(1);
        for threads in [2, 3] {
            assert!(outputs(threads) == one, "{} on {threads} threads", case.graph.name);
        }
        parallel::set_threads(0);
    }
}

#[test]
fn norms_and_activations_join_the_convolution_before_them() {
    let case = graphs::residual(1);
    let (plan, _) = planned(&case, &[case.graph.output()]);
    // Six convolutions, a pool, an average, a linear layer: all else is folded into them.
    assert_eq!(plan.n_steps(), 9);
    assert!(plan.arena_length() < 4 * 20 * 32 * 16, "{}", plan.arena_length());
}

#[test]
fn wrong_inputs_and_parameters_are_refused() {
    let case = graphs::residual(1);
    let (mut plan, input) = planned(&case, &[case.graph.output()]);
    assert!(plan.run(&input.data()[1..], &Job::new()).is_err());
    let job = Job::new();
    job.cancel();
    assert!(plan.run(input.data(), &job).is_err());
    let mut parameters = graphs::parameters(&case.graph, 5);
    parameters.remove("layer0.bn1.running_var");
    let error = Plan::new(&case.graph, &parameters, &case.input, &[case.graph.output()]).unwrap_err();
    assert!(error.to_string().contains("layer0.bn1.running_var"), "{error}");
    let wrong = Array::zeros(&[20, 20, 3]);
    parameters.insert("layer0.conv1.weight", wrong);
    assert!(Plan::new(&case.graph, &parameters, &case.input, &[case.graph.output()]).is_err());
}
