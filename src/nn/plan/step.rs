//! What a program is made of: steps that read some values and write others.

use std::fmt::Debug;

use super::memory::{Lives, Memory, Places, ValueId};
use crate::aligned::Aligned;
use crate::error::Result;
use crate::nn::{Mode, Parameters};
use crate::parallel::Job;

/// What steps of a run see besides the values.
pub(super) struct Run<'a> {
    pub memory: Memory<'a>,
    pub job: &'a Job,
    /// Of a training pass; inference has its weights in the steps.
    pub parameters: &'a Parameters,
    pub mode: Mode,
    /// What a training pass finds: gradients by name, new running statistics by name.
    pub found: &'a mut Parameters,
    /// Weights that a step packs for itself.
    pub packed: &'a mut Aligned,
}

/// One step. Its settings, shapes and (in inference) weights are fixed when the program is written.
pub(super) trait Step: Debug + Send + Sync {
    /// The values that it reads and writes.
    fn values(&self) -> Vec<ValueId>;

    fn run(&self, run: &mut Run) -> Result<()>;
}

/// Steps in their order, and the lives of their values.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub lives: Lives,
    steps: Vec<Box<dyn Step>>,
}

impl Draft {
    pub fn push(&mut self, step: impl Step + 'static) {
        for value in step.values() {
            self.lives.touch(value, self.steps.len());
        }
        self.steps.push(Box::new(step));
    }

    /// Steps so far.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// The program, with a place for each value.
    pub fn finish(self) -> Program {
        let places = self.lives.placed(self.steps.len());
        Program { arena: Aligned::zeros(places.length()), places, steps: self.steps, packed: Aligned::default() }
    }
}

/// Steps, and the arena that they work in.
#[derive(Debug)]
pub(super) struct Program {
    steps: Vec<Box<dyn Step>>,
    places: Places,
    arena: Aligned,
    packed: Aligned,
}

impl Program {
    /// Runs the steps of a range; `outside` is the value that is lent.
    pub fn run(
        &mut self,
        steps: std::ops::Range<usize>,
        outside: &[f32],
        (parameters, mode): (&Parameters, Mode),
        found: &mut Parameters,
        job: &Job,
    ) -> Result<()> {
        let memory = Memory::new(&mut self.arena, &self.places, outside);
        let mut run = Run { memory, job, parameters, mode, found, packed: &mut self.packed };
        for step in &self.steps[steps] {
            job.check()?;
            step.run(&mut run)?;
        }
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// The values, when nothing runs.
    pub fn memory<'a>(&'a mut self, outside: &'a [f32]) -> Memory<'a> {
        Memory::new(&mut self.arena, &self.places, outside)
    }

    #[cfg(test)]
    pub fn arena_length(&self) -> usize {
        self.places.length()
    }

    /// Makes every value a NaN, so that whoever reads what was not written is seen.
    #[cfg(test)]
    pub fn poison(&mut self) {
        self.arena.fill(f32::NAN);
    }
}
