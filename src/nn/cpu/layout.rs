//! From one layout to another: planar `[N][C][T][H][W]`, blocked, sequences `[N][L][C]`, and maps side by side.
//!
//! The planar layout read as `(N, C * T * H * W)` is a flattened map in PyTorch's order. Every blocked map that is
//! written has zeros past its last channel. Nothing is computed: a value read, a value written.

use super::lanes::Block;
use super::{LANES, MapShape, check};
use crate::error::{Error, Result};
use crate::parallel;

/// Planar (or flattened) to blocked.
pub fn to_blocked(planar: &[f32], shape: &MapShape, map: &mut [f32]) -> Result<()> {
    check::length("planar", planar.len(), shape.planar_len())?;
    let map = check::blocks_mut("map", map, shape.len())?;
    let plane = shape.positions();
    parallel::for_each_piece(map, plane.max(1), |i, out| {
        let (item, block) = (i / shape.blocks(), i % shape.blocks());
        let first = block * LANES;
        let lanes = (shape.channels - first).min(LANES);
        let source = &planar[(item * shape.channels + first) * plane..][..lanes * plane];
        for (tile, out) in out.chunks_mut(LANES).enumerate() {
            out.fill([0.0; LANES]);
            for lane in 0..lanes {
                let values = &source[lane * plane + tile * LANES..][..out.len()];
                for (out, &value) in out.iter_mut().zip(values) {
                    out[lane] = value;
                }
            }
        }
    })
}

/// Blocked to planar (or flattened).
pub fn to_planar(map: &[f32], shape: &MapShape, planar: &mut [f32]) -> Result<()> {
    let map = check::blocks("map", map, shape.len())?;
    check::length("planar", planar.len(), shape.planar_len())?;
    let plane = shape.positions();
    parallel::for_each_piece(planar, plane.max(1), |i, out| {
        let (item, channel) = (i / shape.channels, i % shape.channels);
        let source = &map[(item * shape.blocks() + channel / LANES) * plane..][..plane];
        for (out, value) in out.iter_mut().zip(source) {
            *out = value[channel % LANES];
        }
    })
}

/// Blocked to a sequence, `[N][T * H * W][C]`: each position is a step.
pub fn to_sequence(map: &[f32], shape: &MapShape, sequence: &mut [f32]) -> Result<()> {
    let map = check::blocks("map", map, shape.len())?;
    check::length("sequence", sequence.len(), shape.planar_len())?;
    let plane = shape.positions();
    parallel::for_each_piece(sequence, (plane * shape.channels).max(1), |item, out| {
        let source = &map[item * shape.blocks() * plane..][..shape.blocks() * plane];
        for (position, step) in out.chunks_exact_mut(shape.channels).enumerate() {
            for (part, block) in step.chunks_mut(LANES).zip(source.chunks_exact(plane)) {
                part.copy_from_slice(&block[position][..part.len()]);
            }
        }
    })
}

/// A sequence to blocked: the way back of [`to_sequence`], and of its gradient.
pub fn from_sequence(sequence: &[f32], shape: &MapShape, map: &mut [f32]) -> Result<()> {
    check::length("sequence", sequence.len(), shape.planar_len())?;
    let map = check::blocks_mut("map", map, shape.len())?;
    let plane = shape.positions();
    parallel::for_each_piece(map, plane.max(1), |i, out| {
        let (item, block) = (i / shape.blocks(), i % shape.blocks());
        let first = block * LANES;
        let lanes = (shape.channels - first).min(LANES);
        let steps = sequence[item * plane * shape.channels..].chunks_exact(shape.channels);
        for (out, step) in out.iter_mut().zip(steps) {
            *out = [0.0; LANES];
            out[..lanes].copy_from_slice(&step[first..first + lanes]);
        }
    })
}

/// Maps one after another along the channels; `channels` of each input, which sum to the output's.
pub fn concatenate(inputs: &[&[f32]], channels: &[usize], shape: &MapShape, output: &mut [f32]) -> Result<()> {
    check_channels(inputs.len(), channels, shape)?;
    let mut sources = Vec::with_capacity(inputs.len());
    let mut first = 0;
    for (input, &channels) in inputs.iter().zip(channels) {
        let of = MapShape { channels, ..*shape };
        sources.push(Source { map: check::blocks("inputs", input, of.len())?, blocks: of.blocks(), first, channels });
        first += channels;
    }
    let output = check::blocks_mut("output", output, shape.len())?;
    gather(&sources, 0, shape, output)
}

/// The gradients of the inputs of [`concatenate`]: each its part of the channels.
pub fn split(gradient: &[f32], shape: &MapShape, channels: &[usize], outputs: &mut [&mut [f32]]) -> Result<()> {
    check_channels(outputs.len(), channels, shape)?;
    let map = check::blocks("gradient", gradient, shape.len())?;
    let source = [Source { map, blocks: shape.blocks(), first: 0, channels: shape.channels }];
    let mut first = 0;
    for (output, &channels) in outputs.iter_mut().zip(channels) {
        let of = MapShape { channels, ..*shape };
        gather(&source, first, &of, check::blocks_mut("outputs", output, of.len())?)?;
        first += channels;
    }
    Ok(())
}

fn check_channels(maps: usize, channels: &[usize], shape: &MapShape) -> Result<()> {
    let total: usize = channels.iter().sum();
    if maps != channels.len() || total != shape.channels {
        let message = format!("must be {maps} numbers that sum to {}, got {channels:?}", shape.channels);
        return Err(Error::argument("channels", message));
    }
    Ok(())
}

/// A map that holds channels `first..first + channels` of a row of maps.
struct Source<'a> {
    map: &'a [Block],
    blocks: usize,
    first: usize,
    channels: usize,
}

/// Fills a map with the channels from `first` on of a row of maps.
fn gather(sources: &[Source], first: usize, shape: &MapShape, output: &mut [Block]) -> Result<()> {
    let plane = shape.positions();
    parallel::for_each_piece(output, plane.max(1), |i, out| {
        let (item, block) = (i / shape.blocks(), i % shape.blocks());
        let last = first + shape.channels.min((block + 1) * LANES);
        let mut channel = first + block * LANES;
        if last - channel < LANES {
            out.fill([0.0; LANES]);
        }
        let mut lane = 0;
        for source in sources {
            // A run of channels that lie in one block of the source.
            while channel < last && (source.first..source.first + source.channels).contains(&channel) {
                let from = channel - source.first;
                let count = (last - channel).min(source.channels - from).min(LANES - from % LANES);
                let values = &source.map[(item * source.blocks + from / LANES) * plane..][..plane];
                copy_lanes(values, from % LANES, out, lane, count);
                channel += count;
                lane += count;
            }
        }
    })
}

/// Copies `count` lanes of each block.
fn copy_lanes(values: &[Block], from: usize, out: &mut [Block], to: usize, count: usize) {
    if count == LANES {
        out.copy_from_slice(values);
        return;
    }
    for (out, value) in out.iter_mut().zip(values) {
        out[to..to + count].copy_from_slice(&value[from..from + count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::cpu::reference::{self, Random, assert_same_on_any_threads};

    fn shapes() -> Vec<MapShape> {
        let of = |batch, channels, frames, height, width| MapShape { batch, channels, frames, height, width };
        vec![of(1, 1, 1, 1, 1), of(2, 3, 1, 5, 7), of(1, 16, 2, 3, 3), of(2, 17, 3, 4, 5), of(3, 33, 1, 7, 6)]
    }

    #[test]
    fn planar_and_blocked_agree_both_ways_with_zeros_in_the_padding() {
        for shape in shapes() {
            let planar = Random(1).values(shape.planar_len());
            let mut map = vec![f32::NAN; shape.len()];
            to_blocked(&planar, &shape, &mut map).unwrap();
            assert_eq!(map, reference::to_blocked(&planar, &shape));
            let mut back = vec![f32::NAN; shape.planar_len()];
            to_planar(&map, &shape, &mut back).unwrap();
            assert_eq!(back, planar);
        }
    }

    #[test]
    fn a_sequence_has_the_channels_of_each_position_side_by_side() {
        for shape in shapes() {
            let map = reference::map(&mut Random(2), &shape);
            let mut sequence = vec![f32::NAN; shape.planar_len()];
            to_sequence(&map, &shape, &mut sequence).unwrap();
            for (i, &value) in sequence.iter().enumerate() {
                let (step, channel) = (i / shape.channels, i % shape.channels);
                let (item, position) = (step / shape.positions(), step % shape.positions());
                assert_eq!(value, map[reference::index(&shape, item, channel, position)]);
            }
            let mut back = vec![f32::NAN; shape.len()];
            from_sequence(&sequence, &shape, &mut back).unwrap();
            assert_eq!(back, map);
        }
    }

    #[test]
    fn maps_of_any_channels_are_joined_and_split() {
        for channels in [vec![16, 32], vec![3, 16, 1], vec![17, 20], vec![33, 5, 15], vec![1], vec![8, 8, 8]] {
            let of = |channels| MapShape { batch: 2, channels, frames: 1, height: 3, width: 5 };
            let shape = of(channels.iter().sum());
            let planes = Random(3).values(shape.planar_len());
            // Item by item, each input's part of the planes.
            let mut parts: Vec<Vec<f32>> = vec![Vec::new(); channels.len()];
            let mut rest = planes.as_slice();
            for _ in 0..shape.batch {
                for (part, &count) in parts.iter_mut().zip(&channels) {
                    let (head, tail) = rest.split_at(count * shape.positions());
                    part.extend(head);
                    rest = tail;
                }
            }
            let maps: Vec<Vec<f32>> =
                parts.iter().zip(&channels).map(|(part, &count)| reference::to_blocked(part, &of(count))).collect();
            let inputs: Vec<&[f32]> = maps.iter().map(Vec::as_slice).collect();
            let joined = || {
                let mut output = vec![f32::NAN; shape.len()];
                concatenate(&inputs, &channels, &shape, &mut output).unwrap();
                output
            };
            assert_eq!(joined(), reference::to_blocked(&planes, &shape));
            assert_same_on_any_threads(joined);
            let mut outputs: Vec<Vec<f32>> = maps.iter().map(|map| vec![f32::NAN; map.len()]).collect();
            let mut views: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
            split(&joined(), &shape, &channels, &mut views).unwrap();
            assert_eq!(outputs, maps);
        }
    }

    #[test]
    fn buffers_that_do_not_fit_are_refused() {
        let shape = MapShape { batch: 1, channels: 3, frames: 1, height: 2, width: 2 };
        let (planar, mut map) = (vec![0.0; shape.planar_len()], vec![0.0; shape.len()]);
        assert!(to_blocked(&planar[1..], &shape, &mut map).is_err());
        assert!(to_blocked(&planar, &shape, &mut map[1..]).is_err());
        let input = map.clone();
        assert!(concatenate(&[&input], &[2], &shape, &mut map).is_err());
        assert!(concatenate(&[&input[1..]], &[3], &shape, &mut map).is_err());
    }
}
