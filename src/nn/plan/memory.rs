//! Where the values of a program lie.
//!
//! All values share one arena. A value lives from the first step that touches it to the last one; values that live at
//! different times may lie at the same place. Places are found greedily, the largest value first, each as low as it
//! fits between those that live at the same time: within a few per cent of the least possible for networks
//! (Pisarchyk and Lee 2020). The network's input is not copied: it is a value that lies outside.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::nn::cpu::LANES;

/// Values to be read, and values to be written.
type Opened<'m, const R: usize, const W: usize> = ([&'m [f32]; R], [&'m mut [f32]; W]);
/// The same in any number.
type OpenedAll<'m> = (Vec<&'m [f32]>, Vec<&'m mut [f32]>);

/// A value that steps write and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ValueId(usize);

/// How many float32 a value has, and the steps that touch it.
#[derive(Clone, Debug)]
struct Life {
    length: usize,
    steps: Option<Range<usize>>,
    /// Must be there when the program ends.
    kept: bool,
    outside: bool,
}

/// The values of a program that is being written.
#[derive(Debug, Default)]
pub(super) struct Lives {
    lives: Vec<Life>,
}

impl Lives {
    pub fn value(&mut self, length: usize) -> ValueId {
        self.lives.push(Life { length, steps: None, kept: false, outside: false });
        ValueId(self.lives.len() - 1)
    }

    /// A value that whoever runs the program lends.
    pub fn outside(&mut self, length: usize) -> ValueId {
        self.lives.push(Life { length, steps: None, kept: false, outside: true });
        ValueId(self.lives.len() - 1)
    }

    pub fn length(&self, value: ValueId) -> usize {
        self.lives[value.0].length
    }

    /// Says that the step of this number reads or writes `value`.
    pub fn touch(&mut self, value: ValueId, step: usize) {
        let life = &mut self.lives[value.0];
        life.steps = Some(life.steps.as_ref().map_or(step..step + 1, |steps| steps.start..step + 1));
    }

    /// Keeps `value` to the end of the program.
    pub fn keep(&mut self, value: ValueId) {
        self.lives[value.0].kept = true;
    }

    /// Finds a place for each value of a program of `steps` steps.
    pub fn placed(&self, steps: usize) -> Places {
        let life = |index: usize| -> Range<usize> {
            let life = &self.lives[index];
            let touched = life.steps.clone().unwrap_or(0..0);
            if life.kept { touched.start..steps.max(touched.end) + 1 } else { touched }
        };
        let mut order: Vec<usize> = (0..self.lives.len()).filter(|&index| !self.lives[index].outside).collect();
        order.sort_by_key(|&index| (std::cmp::Reverse(self.lives[index].length), index));
        let mut places = vec![Place::Outside; self.lives.len()];
        let mut taken: Vec<(Range<usize>, Range<usize>)> = Vec::new();
        for index in order {
            let (length, life) = (self.lives[index].length, life(index));
            let room = length.next_multiple_of(LANES);
            let meets = |other: &Range<usize>| life.start < other.end && other.start < life.end;
            let mut at = 0;
            // Taken places are in the order of their beginnings.
            for (_, place) in taken.iter().filter(|(steps, _)| meets(steps)) {
                if at + room <= place.start {
                    break;
                }
                at = at.max(place.end);
            }
            let position = taken.partition_point(|(_, place)| place.start <= at);
            taken.insert(position, (life, at..at + room));
            places[index] = Place::Arena(at..at + length);
        }
        let length = taken.iter().map(|(_, place)| place.end).max().unwrap_or(0);
        Places { places, length }
    }
}

#[derive(Clone, Debug)]
enum Place {
    Arena(Range<usize>),
    Outside,
}

/// The place of every value, and how long the arena is.
#[derive(Debug)]
pub(super) struct Places {
    places: Vec<Place>,
    length: usize,
}

impl Places {
    pub fn length(&self) -> usize {
        self.length
    }
}

/// The values of a program that runs.
pub(super) struct Memory<'a> {
    arena: &'a mut [f32],
    places: &'a Places,
    outside: &'a [f32],
}

impl<'a> Memory<'a> {
    /// `outside` is the value that is lent.
    pub fn new(arena: &'a mut [f32], places: &'a Places, outside: &'a [f32]) -> Self {
        Self { arena, places, outside }
    }

    fn place(&self, value: ValueId) -> &'a Place {
        &self.places.places[value.0]
    }

    /// A value to be read.
    pub fn read(&self, value: ValueId) -> &[f32] {
        match self.place(value) {
            Place::Outside => self.outside,
            Place::Arena(range) => &self.arena[range.clone()],
        }
    }

    /// Values to be read and values to be written, at once; those written must be apart from all others.
    pub fn open<const R: usize, const W: usize>(
        &mut self,
        reads: [ValueId; R],
        writes: [ValueId; W],
    ) -> Result<Opened<'_, R, W>> {
        let (read, written) = self.open_all(&reads, &writes)?;
        let read = read.try_into().map_err(|_| fault("lost a value"))?;
        Ok((read, written.try_into().map_err(|_| fault("lost a value"))?))
    }

    /// [`Self::open`] for any number of values.
    pub fn open_all(&mut self, reads: &[ValueId], writes: &[ValueId]) -> Result<OpenedAll<'_>> {
        let places = self.places;
        let range = |value: ValueId| match &places.places[value.0] {
            Place::Arena(range) => Some(range.clone()),
            Place::Outside => None,
        };
        let mut order: Vec<usize> = (0..writes.len()).collect();
        order.sort_by_key(|&i| range(writes[i]).map_or(0, |range| range.start));
        let mut written: Vec<&mut [f32]> = writes.iter().map(|_| &mut [] as &mut [f32]).collect();
        let mut between: Vec<(usize, &[f32])> = Vec::with_capacity(writes.len() + 1);
        let (mut rest, mut at) = (&mut *self.arena, 0);
        for i in order {
            let place = range(writes[i]).ok_or_else(|| fault("writes what was lent"))?;
            let ahead = place.start.checked_sub(at).ok_or_else(|| fault("writes two values at one place"))?;
            let (before, tail) = rest.split_at_mut(ahead);
            let (value, tail) = tail.split_at_mut(place.len());
            between.push((at, before));
            written[i] = value;
            (rest, at) = (tail, place.end);
        }
        between.push((at, rest));
        let outside = self.outside;
        let find = |&value: &ValueId| {
            let Some(place) = range(value) else { return Ok(outside) };
            let inside = |&&(start, part): &&(usize, &[f32])| start <= place.start && place.end <= start + part.len();
            let found = between.iter().find(inside);
            let part = found.and_then(|&(start, part)| part.get(place.start - start..place.end - start));
            part.ok_or_else(|| fault("reads what it writes"))
        };
        Ok((reads.iter().map(find).collect::<Result<_>>()?, written))
    }
}

fn fault(what: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("plan: a step {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_live_at_once_never_meet_and_places_are_reused() {
        let mut stream = crate::random::Stream::keyed(3, &[]);
        for _ in 0..50 {
            let mut lives = Lives::default();
            let mut ends = Vec::new();
            for _ in 0..30 {
                let value = lives.value(1 + stream.below(100) as usize);
                let start = stream.below(20) as usize;
                let end = start + stream.below(5) as usize;
                lives.touch(value, start);
                lives.touch(value, end);
                ends.push((start, end));
            }
            let places = lives.placed(25);
            for (a, first) in ends.iter().enumerate() {
                for (b, second) in ends.iter().enumerate().take(a) {
                    let (Place::Arena(one), Place::Arena(other)) = (&places.places[a], &places.places[b]) else {
                        panic!("outside");
                    };
                    let together = first.0 <= second.1 && second.0 <= first.1;
                    assert!(!together || one.end <= other.start || other.end <= one.start);
                }
            }
        }
        // A chain needs its two largest neighbours.
        let mut lives = Lives::default();
        for (step, length) in [64, 32, 64, 128, 16].into_iter().enumerate() {
            let value = lives.value(length);
            lives.touch(value, step);
            lives.touch(value, step + 1);
        }
        assert_eq!(lives.placed(6).length(), 192);
    }

    #[test]
    fn reads_and_writes_are_lent_apart() {
        let mut lives = Lives::default();
        let outside = lives.outside(2);
        let values: Vec<ValueId> = (0..3).map(|_| lives.value(5)).collect();
        for &value in &values {
            lives.touch(value, 0);
        }
        let places = lives.placed(1);
        let mut arena = vec![0.0; places.length()];
        let lent = [7.0, 8.0];
        let mut memory = Memory::new(&mut arena, &places, &lent);
        {
            let ([one, two], [three, four]) = memory.open([outside, values[1]], [values[2], values[0]]).unwrap();
            assert_eq!((one, two.len()), (&lent[..], 5));
            three.fill(3.0);
            four.fill(4.0);
        }
        assert_eq!(memory.read(values[0]), [4.0; 5]);
        assert_eq!(memory.read(values[2]), [3.0; 5]);
        assert!(memory.open([values[0]], [values[0]]).is_err());
        assert!(memory.open([], [values[0], values[0]]).is_err());
        assert!(memory.open([], [outside]).is_err());
    }
}
