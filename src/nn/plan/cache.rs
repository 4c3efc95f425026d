//! The programs of one network that were used last.

use super::{Plan, Training};
use crate::nn::{Graph, NodeId};

/// Plans that are kept: of a few shapes of batches or choices of stages.
const PLANS: usize = 4;
/// Training's: of a whole batch, and of an epoch's last.
const TRAININGS: usize = 2;

/// Programs, the one used last behind the others. Whoever runs one takes it out and puts it back.
#[derive(Debug, Default)]
pub struct Cache {
    plans: Vec<Plan>,
    trainings: Vec<Training>,
}

impl Cache {
    /// The plan for this shape and these nodes, if it is here.
    pub fn take_plan(&mut self, input: &[usize], wanted: &[NodeId]) -> Option<Plan> {
        let found = self.plans.iter().position(|plan| plan.fits(input, wanted))?;
        Some(self.plans.remove(found))
    }

    pub fn put_plan(&mut self, plan: Plan) {
        put(&mut self.plans, plan, PLANS);
    }

    /// Forgets all plans: parameters that they have packed have changed.
    pub fn forget_plans(&mut self) {
        self.plans.clear();
    }

    /// The training program of this graph for this shape, if it is here; parameters may have changed.
    pub fn take_training(&mut self, graph: &Graph, input: &[usize]) -> Option<Training> {
        let found = self.trainings.iter().position(|training| training.fits(graph, input))?;
        Some(self.trainings.remove(found))
    }

    pub fn put_training(&mut self, training: Training) {
        put(&mut self.trainings, training, TRAININGS);
    }
}

/// Puts `one` behind the others, and drops the first of too many.
fn put<T>(all: &mut Vec<T>, one: T, most: usize) {
    if all.len() >= most {
        all.remove(0);
    }
    all.push(one);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::layers::Linear;
    use crate::nn::{Builder, Graph};

    fn graph() -> Graph {
        let mut builder = Builder::new("one", &[3]);
        builder.linear("fc", builder.input(), Linear::new(3, 2));
        builder.finish(None).unwrap()
    }

    #[test]
    fn programs_are_found_by_what_they_were_made_for_and_the_oldest_go() {
        let (graph, mut cache) = (graph(), Cache::default());
        let parameters = graph.initialised(0);
        for items in 1..=PLANS + 1 {
            cache.put_plan(Plan::new(&graph, &parameters, &[items, 3], &[1]).unwrap());
        }
        assert!(cache.take_plan(&[1, 3], &[1]).is_none());
        assert!(cache.take_plan(&[2, 3], &[0]).is_none());
        assert!(cache.take_plan(&[2, 3], &[1]).is_some());
        assert!(cache.take_plan(&[2, 3], &[1]).is_none());
        cache.forget_plans();
        assert!(cache.take_plan(&[3, 3], &[1]).is_none());
        cache.put_training(Training::new(&graph, &[2, 3]).unwrap());
        let mut frozen = graph.clone();
        frozen.freeze(Some(1));
        assert!(cache.take_training(&frozen, &[2, 3]).is_none());
        assert!(cache.take_training(&graph, &[2, 3]).is_some());
    }
}
