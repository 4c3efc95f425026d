//! Selection over scales: of points of neighbouring scales that lie close to each other, the strongest.

use super::settings::{Scale, Settings};
use crate::stip::Point;

/// The rungs (space, time) of the scales; neighbours differ by one rung at most along both.
fn rungs(settings: &Settings) -> Vec<(Scale, [usize; 2])> {
    let rung = |values: &mut Vec<f32>| {
        values.sort_by(f32::total_cmp);
        values.dedup();
    };
    let whole: Vec<Scale> = settings.all_scales().map(|scale| scale.whole()).collect();
    let (mut sigma2, mut tau2): (Vec<f32>, Vec<f32>) =
        (whole.iter().map(|scale| scale.sigma2).collect(), whole.iter().map(|scale| scale.tau2).collect());
    rung(&mut sigma2);
    rung(&mut tau2);
    let place = |values: &[f32], value: f32| values.iter().position(|&known| known == value).unwrap_or(0);
    whole.into_iter().map(|scale| (scale, [place(&sigma2, scale.sigma2), place(&tau2, scale.tau2)])).collect()
}

/// Drops points that have a stronger one at a neighbouring scale within sigma pixels and tau frames of the coarser of
/// the two. `points` are in the order of frames.
pub(super) fn strongest(settings: &Settings, points: &mut Vec<Point>) {
    let known = rungs(settings);
    let rung = |point: &Point| {
        let same = |scale: &Scale| (scale.sigma2, scale.tau2) == (point.sigma2, point.tau2);
        known.iter().find(|(scale, _)| same(scale)).map_or([0; 2], |&(_, rung)| rung)
    };
    let ladder: Vec<[usize; 2]> = points.iter().map(rung).collect();
    let longest = points.iter().map(|point| point.tau2).fold(0.0, f32::max).sqrt();
    let mut begin = 0;
    let mut kept = Vec::with_capacity(points.len());
    for (i, point) in points.iter().enumerate() {
        while (point.t - points[begin].t) as f32 > longest {
            begin += 1;
        }
        let rivals = points[begin..].iter().zip(&ladder[begin..]);
        let near = rivals.take_while(|(rival, _)| (rival.t - point.t) as f32 <= longest);
        let beaten = near.filter(|(rival, _)| rival.response > point.response).any(|(rival, rung)| {
            let (sigma, tau) = (rival.sigma2.max(point.sigma2).sqrt(), rival.tau2.max(point.tau2).sqrt());
            let close = |a: i32, b: i32, reach: f32| (a - b).abs() as f32 <= reach;
            *rung != ladder[i]
                && rung.iter().zip(&ladder[i]).all(|(a, b)| a.abs_diff(*b) <= 1)
                && close(rival.t, point.t, tau)
                && close(rival.y, point.y, sigma)
                && close(rival.x, point.x, sigma)
        });
        kept.push(!beaten);
    }
    let mut kept = kept.into_iter();
    points.retain(|_| kept.next().unwrap_or(true));
}
