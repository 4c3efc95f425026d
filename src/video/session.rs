//! Exact decoding of chosen frames: what is fed, what is left out, where decoding starts over.
//!
//! With a [`Plan`], a request feeds only from a key to the last wanted packet of its group, leaves out
//! pictures that nobody wants and no other needs, and jumps over the tails of groups. The decoder stays
//! alive between requests, so that reading on frame by frame decodes each picture once. Without a plan every
//! picture is decoded and counted; so it is from where a picture turns out to be damaged, because what FFmpeg
//! paints in its place depends on all that was decoded before.

use std::collections::BTreeMap;
use std::sync::Arc;

use video_rs::ffmpeg::{Packet, frame};

use super::decoder::{Decoder, Effort, Output, Received, presentation_time};
use super::demux::{Demuxer, PacketTable};
use super::log;
use super::plan::Plan;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Job;

/// Bytes of packets that are read and thrown away rather than sought over.
const READ_ON: i64 = 4 << 20;

/// Takes each decoded picture: the frame's number, and the picture.
pub type Take<'a> = dyn FnMut(usize, &frame::Video) -> Result<()> + 'a;

/// What happens after the last wanted picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The decoder is drained: the fewest packets for this request.
    Stop,
    /// It is kept alive for the frames that follow.
    GoOn,
}

/// How a packet of the present run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    NotFed,
    /// Fed whole; its picture will come out.
    Fed,
    /// Fed, but its picture was left out or has come out already.
    Gone,
}

/// How frames are numbered.
#[derive(Clone)]
pub enum Numbering {
    Packets(Arc<(Plan, PacketTable)>),
    /// Presentation times (ticks), one for each picture that decoding gives.
    Decoding(Arc<Vec<i64>>),
}

impl Numbering {
    pub fn times(&self) -> &[i64] {
        match self {
            Self::Packets(planned) => &planned.0.times,
            Self::Decoding(times) => times,
        }
    }
}

/// A stream being decoded.
pub struct Session {
    demuxer: Demuxer,
    decoder: Option<Decoder>,
    numbering: Numbering,
    /// The next packet in decoding order (plan), and how those before it stand since the last start.
    next: usize,
    states: Vec<State>,
    /// The key at which the present run began.
    start: usize,
    /// Pictures that came out ahead of being asked for: at most as many as a decoder reorders.
    ready: BTreeMap<usize, frame::Video>,
    /// Pictures that have come out since the start of the file (counting).
    emitted: usize,
    /// Why reading ended before the end of the file, or that pictures are damaged.
    damage: Option<String>,
    /// A picture of the present run was concealed or could not be decoded.
    is_damaged: bool,
}

impl Session {
    pub fn open(mut demuxer: Demuxer, job: &Job) -> Result<Self> {
        let table = demuxer.scan(job)?;
        let damage = table.damage.clone();
        let plan = Plan::from_packets(&table);
        let is_proven = plan.is_some();
        let numbering = match plan {
            Some(plan) => Numbering::Packets(Arc::new((plan, table))),
            None => Numbering::Decoding(Arc::default()),
        };
        let mut session = Self {
            demuxer,
            decoder: None,
            numbering,
            next: usize::MAX,
            states: Vec::new(),
            start: 0,
            ready: BTreeMap::new(),
            emitted: 0,
            damage,
            is_damaged: false,
        };
        if !is_proven {
            session.count(job)?;
        }
        if let Some(damage) = &session.damage {
            log::warn(&format!("{damage}; the frames before that are kept"));
        }
        Ok(session)
    }

    pub fn demuxer(&self) -> &Demuxer {
        &self.demuxer
    }

    pub fn numbering(&self) -> &Numbering {
        &self.numbering
    }

    /// Why reading ended before the end of the file, or that pictures are damaged, as far as is known.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    fn n_frames(&self) -> usize {
        self.numbering.times().len()
    }

    /// Decodes the frames `wanted` (ascending, each once, all below `n_frames`) and hands each to `take`, in
    /// order of decoding. `Ok(false)`: pictures are damaged or did not come out, and the frames have been counted
    /// anew by decoding; ask again.
    pub fn decode(&mut self, wanted: &[usize], after: After, job: &Job, take: &mut Take) -> Result<bool> {
        self.demuxer.watch(job);
        let mut missing: Vec<usize> = Vec::with_capacity(wanted.len());
        for &frame in wanted {
            match self.ready.remove(&frame) {
                Some(picture) => take(frame, &picture)?,
                None => missing.push(frame),
            }
        }
        if missing.is_empty() {
            return Ok(true);
        }
        let complete = match self.numbering.clone() {
            Numbering::Packets(planned) => self.decode_planned(&planned, &missing, after, job, take),
            Numbering::Decoding(_) => self.decode_counted(&missing, job, take),
        };
        match complete {
            Ok(true) => {
                self.ready = self.ready.split_off(missing.last().unwrap_or(&0));
                return Ok(true);
            }
            Ok(false) => {
                let recounted = self.recount(job);
                self.start_over();
                recounted?;
            }
            Err(_) => self.start_over(),
        }
        complete
    }

    fn decode_planned(
        &mut self,
        planned: &(Plan, PacketTable),
        wanted: &[usize],
        after: After,
        job: &Job,
        take: &mut Take,
    ) -> Result<bool> {
        let (plan, table) = planned;
        let mut targets: Vec<usize> = wanted.iter().map(|&frame| plan.packets[frame]).collect();
        targets.sort_unstable();
        let keys: Vec<usize> = targets.iter().map(|&target| plan.key_before(target)).collect();
        let keeps_after = wanted.last().copied().filter(|_| after == After::GoOn);
        let mut request = Request { wanted, is_done: vec![false; wanted.len()], keeps_after };
        for (&target, &key) in targets.iter().zip(&keys) {
            if !self.goes_on_to(target, key) {
                self.drain(plan, &mut request, take)?;
                self.start_at(planned, key, job)?;
            }
            while self.next <= target && !self.is_damaged {
                self.feed(plan, &mut request, Effort::ForOthers, job, take)?;
            }
            if self.is_damaged {
                return Ok(false);
            }
        }
        if after == After::GoOn {
            while !request.is_complete() && self.next < table.records.len() && !self.is_damaged {
                self.feed(plan, &mut request, Effort::Whole, job, take)?;
            }
        }
        if !request.is_complete() || after == After::Stop {
            self.drain(plan, &mut request, take)?;
        }
        Ok(request.is_complete() && !self.is_damaged)
    }

    /// Whether the present run gives the packet's picture without starting over (and without feeding a whole
    /// group that nobody needs).
    fn goes_on_to(&self, target: usize, key: usize) -> bool {
        match self.states.get(target) {
            Some(State::Fed) => true,
            Some(State::NotFed) => self.decoder.is_some() && key <= self.next && !self.states.is_empty(),
            Some(State::Gone) | None => false,
        }
    }

    /// Positions the demuxer at the packet `key`, with an empty decoder.
    fn start_at(&mut self, (plan, table): &(Plan, PacketTable), key: usize, job: &Job) -> Result<()> {
        let records = &table.records;
        let skipped =
            records.get(self.next..key).map(|skipped| skipped.iter().map(|record| i64::from(record.size)).sum());
        if skipped.is_none_or(|bytes: i64| bytes > READ_ON) {
            self.next = match self.demuxer.seek(records, key) {
                Some(position) => position,
                None => {
                    // Not to be found by seeking: from the beginning, which is right for every container.
                    self.demuxer.rewind(job)?;
                    0
                }
            };
        }
        let mut unwanted = Packet::empty();
        while self.next < key {
            job.check()?;
            if self.demuxer.read(&mut unwanted)?.is_none() {
                break;
            }
            self.next += 1;
        }
        match &mut self.decoder {
            // Going back, headers of a later part of the stream must be forgotten too.
            Some(decoder) if key >= self.start => decoder.flush(),
            _ => self.decoder = Some(Decoder::open(&self.demuxer, Some(plan.reorder_depth), table.is_single_layer)?),
        }
        self.states = vec![State::NotFed; records.len()];
        self.start = key;
        self.ready.clear();
        Ok(())
    }

    /// Feeds the next packet, whole if its frame is wanted and with `effort` otherwise.
    fn feed(&mut self, plan: &Plan, request: &mut Request, effort: Effort, job: &Job, take: &mut Take) -> Result<()> {
        job.check()?;
        let mut packet = Packet::empty();
        let position = self.next;
        self.next += 1;
        if self.demuxer.read(&mut packet)?.is_none() {
            return Ok(());
        }
        let is_wanted = plan.frame_of(position).is_some_and(|frame| request.wants(frame) || request.keeps(frame));
        let effort = if is_wanted { Effort::Whole } else { effort };
        if let Some(state) = self.states.get_mut(position) {
            *state = if effort == Effort::Whole { State::Fed } else { State::Gone };
        }
        if let Some(decoder) = &mut self.decoder {
            let is_damaged = match decoder.send(&packet, effort) {
                Received::Sound => false,
                Received::Complaint => self.start == 0 || !decoder.complains_in_mid_stream(),
                Received::Damaged => true,
            };
            self.is_damaged |= is_damaged && !plan.leads(position, self.start);
        }
        self.collect(plan, request, take)
    }

    /// Takes whatever pictures have come out.
    fn collect(&mut self, plan: &Plan, request: &mut Request, take: &mut Take) -> Result<()> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let mut picture = frame::Video::empty();
        while let Output::Picture = decoder.receive(&mut picture) {
            let Some(frame) = plan.frame_at(presentation_time(&picture)) else { continue };
            if let Some(state) = self.states.get_mut(plan.packets[frame]) {
                *state = State::Gone;
            }
            if request.finish(frame) {
                take(frame, &picture)?;
            } else if request.keeps(frame) {
                self.ready.insert(frame, std::mem::replace(&mut picture, frame::Video::empty()));
            }
        }
        Ok(())
    }

    /// Gets out what the decoder holds back. It then needs a new start.
    fn drain(&mut self, plan: &Plan, request: &mut Request, take: &mut Take) -> Result<()> {
        if self.states.is_empty() {
            return Ok(());
        }
        if let Some(decoder) = &mut self.decoder {
            decoder.send_end();
        }
        self.collect(plan, request, take)?;
        self.states.clear();
        Ok(())
    }

    /// Decodes and counts; frames are numbered as they come out.
    fn decode_counted(&mut self, wanted: &[usize], job: &Job, take: &mut Take) -> Result<bool> {
        let (Some(&first), Some(&last)) = (wanted.first(), wanted.last()) else { return Ok(true) };
        if self.decoder.is_none() || first < self.emitted {
            self.start_counting(job)?;
        }
        let mut found = 0;
        self.run(Effort::Whole, job, &mut |frame, picture| {
            if wanted.binary_search(&frame).is_ok() {
                found += 1;
                take(frame, picture)?;
            }
            Ok(frame < last)
        })?;
        Ok(found == wanted.len())
    }

    /// Decodes the whole file for the number and times of its frames.
    fn count(&mut self, job: &Job) -> Result<()> {
        self.start_counting(job)?;
        let mut found = Vec::new();
        self.run(Effort::Count, job, &mut |_, picture| {
            found.push(presentation_time(picture));
            Ok(true)
        })?;
        self.start_over();
        if found.is_empty() {
            return Err(Error::new(ErrorKind::Decode, "has a video stream, but no frame of it can be decoded"));
        }
        self.numbering = Numbering::Decoding(Arc::new(found));
        Ok(())
    }

    /// Goes over from the plan to counting.
    fn recount(&mut self, job: &Job) -> Result<()> {
        if matches!(self.numbering, Numbering::Decoding(_)) {
            return Err(Error::new(ErrorKind::Decode, "gives other frames than when it was opened; has it changed?"));
        }
        let promised = self.n_frames();
        self.count(job)?;
        let found = self.n_frames();
        let damage = format!("pictures are damaged; decoding gives {found} of {promised} frames");
        log::warn(&format!("{damage}, from now on always from the beginning"));
        self.damage.get_or_insert(damage);
        Ok(())
    }

    fn start_counting(&mut self, job: &Job) -> Result<()> {
        self.demuxer.rewind(job)?;
        self.decoder = Some(Decoder::open(&self.demuxer, None, false)?);
        self.emitted = 0;
        Ok(())
    }

    /// Feeds packets until `take`, called with the number of each picture, answers false, or the file ends.
    fn run(
        &mut self,
        effort: Effort,
        job: &Job,
        take: &mut dyn FnMut(usize, &frame::Video) -> Result<bool>,
    ) -> Result<()> {
        let (mut packet, mut picture) = (Packet::empty(), frame::Video::empty());
        let mut is_fed = true;
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(()) };
            loop {
                match decoder.receive(&mut picture) {
                    Output::Picture => {
                        let frame = self.emitted;
                        self.emitted += 1;
                        if !take(frame, &picture)? {
                            return Ok(());
                        }
                    }
                    Output::Hungry if is_fed => break,
                    Output::Hungry | Output::End => return Ok(()),
                }
            }
            job.check()?;
            // A read error is the end, as for the ffmpeg program: what came before it is kept.
            match self.demuxer.read(&mut packet) {
                Ok(Some(())) => {
                    decoder.send(&packet, effort);
                }
                Err(error) if error.kind() == ErrorKind::Io => return Err(error),
                Ok(None) | Err(_) => {
                    job.check()?;
                    is_fed = false;
                    decoder.send_end();
                }
            }
        }
    }

    /// Forgets the present run: the next request begins at a key, or at the beginning.
    fn start_over(&mut self) {
        self.decoder = None;
        self.states.clear();
        self.ready.clear();
        self.next = usize::MAX;
        self.is_damaged = false;
    }
}

/// One request: which frames, and which of them have come out.
struct Request<'a> {
    wanted: &'a [usize],
    is_done: Vec<bool>,
    /// Pictures of frames after this one are kept for later requests.
    keeps_after: Option<usize>,
}

impl Request<'_> {
    fn wants(&self, frame: usize) -> bool {
        self.wanted.binary_search(&frame).is_ok()
    }

    fn keeps(&self, frame: usize) -> bool {
        self.keeps_after.is_some_and(|last| frame > last)
    }

    /// Notes that the frame came out; whether it was wanted, and for the first time.
    fn finish(&mut self, frame: usize) -> bool {
        match self.wanted.binary_search(&frame) {
            Ok(i) => !std::mem::replace(&mut self.is_done[i], true),
            Err(_) => false,
        }
    }

    fn is_complete(&self) -> bool {
        self.is_done.iter().all(|&done| done)
    }
}
