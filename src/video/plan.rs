//! From frame numbers to packets: which packet gives frame i, and where decoding must begin for it.
//!
//! Frame i is the i-th in presentation order. Where every packet is known to give one frame and all
//! have distinct presentation times, their order proves the numbering, and unwanted frames need not be
//! decoded. Otherwise frames are numbered by decoding.

use std::collections::HashMap;

use video_rs::ffmpeg::ffi::AV_NOPTS_VALUE;

use super::demux::PacketTable;

/// The numbering that packets prove.
#[derive(Debug)]
pub struct Plan {
    /// Presentation time (ticks) of each frame, ascending.
    pub times: Vec<i64>,
    /// The packet, in decoding order, that gives each frame.
    pub packets: Vec<usize>,
    /// The frame of each packet; none for packets that an edit list cuts away.
    frames: Vec<Option<usize>>,
    by_time: HashMap<i64, usize>,
    /// Positions of keys in decoding order.
    keys: Vec<usize>,
    pts: Vec<i64>,
    /// Pictures that a decoder must hold back to output them in order.
    pub reorder_depth: usize,
}

impl Plan {
    /// The plan, if the packets prove the numbering.
    pub fn from_packets(table: &PacketTable) -> Option<Self> {
        let records = &table.records;
        let first = records.first()?;
        if !first.is_key {
            return None;
        }
        if records.iter().any(|record| record.pts == AV_NOPTS_VALUE || !record.is_sound) {
            return None;
        }
        let pts: Vec<i64> = records.iter().map(|record| record.pts).collect();
        let mut shown: Vec<usize> = (0..records.len()).filter(|&i| !records[i].is_discarded).collect();
        shown.sort_by_key(|&i| pts[i]);
        if shown.is_empty() || shown.windows(2).any(|pair| pts[pair[0]] == pts[pair[1]]) {
            return None;
        }
        // Pictures that precede the first key in time may refer to what is not there, and be dropped.
        if records.iter().any(|record| record.pts < first.pts && !record.is_discarded) {
            return None;
        }
        let mut frames = vec![None; records.len()];
        for (frame, &packet) in shown.iter().enumerate() {
            frames[packet] = Some(frame);
        }
        Some(Self {
            times: shown.iter().map(|&i| pts[i]).collect(),
            by_time: shown.iter().enumerate().map(|(frame, &i)| (pts[i], frame)).collect(),
            packets: shown,
            frames,
            keys: (0..records.len()).filter(|&i| records[i].is_key).collect(),
            reorder_depth: reorder_depth(&pts),
            pts,
        })
    }

    /// The frame with this presentation time.
    pub fn frame_at(&self, pts: i64) -> Option<usize> {
        self.by_time.get(&pts).copied()
    }

    /// The frame that a packet gives.
    pub fn frame_of(&self, packet: usize) -> Option<usize> {
        self.frames.get(packet).copied().flatten()
    }

    /// Whether a packet's picture is shown before that of the key it follows: it may lean on what is not there.
    pub fn leads(&self, packet: usize, key: usize) -> bool {
        self.pts.get(packet) < self.pts.get(key)
    }

    /// The packet at which decoding may begin so that `packet` comes out right: the last key at or before
    /// it that is not shown after it (pictures that follow a key and are shown before it lean on the
    /// group before).
    pub fn key_before(&self, packet: usize) -> usize {
        let after = self.keys.partition_point(|&key| key <= packet);
        self.keys[..after].iter().rev().copied().find(|&key| self.pts[key] <= self.pts[packet]).unwrap_or(0)
    }
}

/// The most pictures that come before another in decoding order and after it in presentation order.
fn reorder_depth(pts: &[i64]) -> usize {
    // A picture waits for all later-decoded pictures that are shown before it; no codec reorders by more
    // than 16, so looking that far back is exact.
    (0..pts.len())
        .map(|i| pts[i.saturating_sub(16)..i].iter().filter(|&&before| before > pts[i]).count())
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::demux::PacketRecord;
    use super::*;

    fn table(packets: &[(i64, bool)]) -> PacketTable {
        let record = |&(pts, is_key): &(i64, bool)| PacketRecord {
            pts,
            dts: pts,
            position: 0,
            size: 1,
            is_key,
            is_discarded: false,
            is_sound: true,
        };
        PacketTable { records: packets.iter().map(record).collect(), damage: None, is_single_layer: true }
    }

    #[test]
    fn frames_are_numbered_by_presentation_time() {
        // I P B B, as decoded.
        let plan = Plan::from_packets(&table(&[(0, true), (3, false), (1, false), (2, false)])).unwrap();
        assert_eq!(plan.packets, [0, 2, 3, 1]);
        assert_eq!(plan.frame_of(1), Some(3));
        assert_eq!(plan.frame_at(2), Some(2));
        assert_eq!(plan.reorder_depth, 1);
    }

    #[test]
    fn a_leading_picture_of_an_open_group_begins_at_the_key_before() {
        // I0 P1 | I5 b3 b4 p6: 3 and 4 lean on the first group.
        let plan = Plan::from_packets(&table(&[(0, true), (1, false), (5, true), (3, false), (4, false), (6, false)]))
            .unwrap();
        assert_eq!(plan.key_before(2), 2);
        assert_eq!(plan.key_before(3), 0);
        assert_eq!(plan.key_before(5), 2);
    }

    #[test]
    fn doubtful_packets_prove_nothing() {
        assert!(Plan::from_packets(&table(&[(0, true), (0, false)])).is_none(), "one time twice");
        assert!(Plan::from_packets(&table(&[(0, true), (AV_NOPTS_VALUE, false)])).is_none(), "no time");
        assert!(Plan::from_packets(&table(&[(0, false), (1, false)])).is_none(), "does not begin with a key");
        assert!(Plan::from_packets(&table(&[(2, true), (1, false)])).is_none(), "shown before the first key");
        assert!(Plan::from_packets(&table(&[])).is_none());
        let mut cut = table(&[(0, true), (1, false)]);
        cut.records[1].is_sound = false;
        assert!(Plan::from_packets(&cut).is_none(), "cut off");
    }

    #[test]
    fn packets_cut_away_by_an_edit_list_give_no_frame() {
        let mut edited = table(&[(-1, true), (0, false), (1, false)]);
        edited.records[0].is_discarded = true;
        let plan = Plan::from_packets(&edited).unwrap();
        assert_eq!(plan.times.len(), 2);
        assert_eq!(plan.packets, [1, 2]);
    }

    /// Packets as codecs order them: each picture is moved by a few places, within eight.
    fn ordered(moves: &[(u8, bool, bool)]) -> PacketTable {
        let n = moves.len();
        let mut order: Vec<usize> = (0..n).collect();
        for (i, &(by, ..)) in moves.iter().enumerate() {
            order.swap(i, (i + usize::from(by)).min(i | 7).min(n - 1));
        }
        let mut made =
            table(&order.iter().zip(moves).map(|(&pts, &(_, key, _))| (pts as i64, key)).collect::<Vec<_>>());
        for (record, &(.., is_discarded)) in made.records.iter_mut().zip(moves) {
            record.is_discarded = is_discarded;
        }
        made
    }

    proptest::proptest! {
        #[test]
        fn a_plan_is_what_its_definition_says(
            moves in proptest::collection::vec((0u8..4, proptest::bool::weighted(0.2), proptest::bool::weighted(0.1)), 1..40)
        ) {
            let table = ordered(&moves);
            let records = &table.records;
            let shown = || records.iter().filter(|record| !record.is_discarded);
            let is_proven = records[0].is_key && shown().count() > 0 && shown().all(|record| record.pts >= records[0].pts);
            let plan = Plan::from_packets(&table);
            proptest::prop_assert_eq!(plan.is_some(), is_proven);
            let Some(plan) = plan else { return Ok(()) };
            // Frame i is the one with i shown before it.
            for (packet, record) in records.iter().enumerate() {
                let rank = shown().filter(|other| other.pts < record.pts).count();
                proptest::prop_assert_eq!(plan.frame_of(packet), (!record.is_discarded).then_some(rank));
                proptest::prop_assert_eq!(plan.frame_at(record.pts), (!record.is_discarded).then_some(rank));
                if !record.is_discarded {
                    proptest::prop_assert_eq!((plan.packets[rank], plan.times[rank]), (packet, record.pts));
                }
                // Decoding begins at the nearest key that the packet neither precedes nor leads.
                let mut key = packet;
                while key > 0 && (!records[key].is_key || plan.leads(packet, key)) {
                    key -= 1;
                }
                proptest::prop_assert_eq!(plan.key_before(packet), key);
            }
            let waiting = |i: usize| records[..i].iter().filter(|record| record.pts > records[i].pts).count();
            proptest::prop_assert_eq!(plan.reorder_depth, (0..records.len()).map(waiting).max().unwrap_or(0));
        }
    }
}
