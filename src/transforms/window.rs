//! The last touch of a frame: which part of it (one view or three), mirrored or not, in which order of
//! channels, through which pointwise rules, written where it belongs. Crops, flips, channel order and
//! pointwise rules move or look up single values, so any run of them is one [`Window`]: the rows of the
//! step before are written once, into their final place.

use super::pointwise::Pointwise;
use super::{Rect, Size};
use crate::error::{Error, Result};

/// Where one view of a frame is written.
#[derive(Debug)]
pub struct View<'a, T> {
    pub data: &'a mut [T],
    /// The position of the view's first value in `data`.
    pub start: usize,
    /// Channels one after another, so many values apart (C, …, H, W); nothing: (H, W, C).
    pub plane: Option<usize>,
}

/// A row of values, channels last.
#[derive(Clone, Copy, Debug)]
pub enum Row<'a> {
    U8(&'a [u8]),
    F32(&'a [f32]),
}

/// What a view is made of.
pub trait Pixel: Copy + Default + Send + Sync {
    const FLOAT: bool;
    fn from_byte(value: u8) -> Self;
    /// Only called where floats are written ([`super::Plan`] refuses the rest).
    fn from_float(value: f32) -> Self;
    /// A run of bytes, as they are.
    fn from_bytes(bytes: &[u8], out: &mut [Self]);
}

impl Pixel for u8 {
    const FLOAT: bool = false;
    fn from_byte(value: u8) -> Self {
        value
    }
    fn from_float(value: f32) -> Self {
        value as u8
    }
    fn from_bytes(bytes: &[u8], out: &mut [Self]) {
        out.copy_from_slice(bytes);
    }
}

impl Pixel for f32 {
    const FLOAT: bool = true;
    fn from_byte(value: u8) -> Self {
        f32::from(value)
    }
    fn from_float(value: f32) -> Self {
        value
    }
    fn from_bytes(bytes: &[u8], out: &mut [Self]) {
        for (out, &byte) in out.iter_mut().zip(bytes) {
            *out = f32::from(byte);
        }
    }
}

/// mmaction2's `ThreeCrop`: left, right, middle of a frame as high as the crop; top, bottom, middle of
/// one as wide. Steps are rounded down, so the last column of an odd rest belongs to no view.
pub(super) fn three_crops(crop: Size, size: Size) -> Result<[Rect; 3]> {
    let Size { height, width } = crop;
    Rect::whole(crop).inside(size)?;
    if height == size.height {
        let step = (size.width - width) / 2;
        Ok([0, 2 * step, step].map(|left| Rect { top: 0, left, height, width }))
    } else if width == size.width {
        let step = (size.height - height) / 2;
        Ok([0, 2 * step, step].map(|top| Rect { top, left: 0, height, width }))
    } else {
        Err(Error::argument(
            "size",
            format!("of three crops must have the height or the width of the frame, got {crop} in {size}"),
        ))
    }
}

/// A run of crops, flips, channel orders and pointwise rules.
#[derive(Debug)]
pub(super) struct Window {
    /// One view, or three of one size.
    rects: Vec<Rect>,
    flip_x: bool,
    flip_y: bool,
    reverse: bool,
    pointwise: Vec<Pointwise>,
    /// The pointwise rules on every byte, by channel; filled by [`Self::finish`].
    tables: Vec<[f32; 256]>,
    channels: usize,
}

impl Window {
    pub fn whole(size: Size, channels: usize) -> Self {
        Self {
            rects: vec![Rect::whole(size)],
            flip_x: false,
            flip_y: false,
            reverse: false,
            pointwise: Vec::new(),
            tables: Vec::new(),
            channels,
        }
    }

    pub fn n_views(&self) -> usize {
        self.rects.len()
    }

    /// The size of a view.
    pub fn size(&self) -> Size {
        self.rects[0].size()
    }

    pub fn has_pointwise(&self) -> bool {
        !self.pointwise.is_empty()
    }

    /// The part of the frame, if a part is all that this is.
    pub fn as_part(&self) -> Option<Rect> {
        let plain = !(self.flip_x || self.flip_y || self.reverse || self.has_pointwise());
        match &self.rects[..] {
            [one] if plain => Some(*one),
            _ => None,
        }
    }

    /// The smallest rectangle that holds all views.
    pub fn bounds(&self) -> Rect {
        self.rects.iter().fold(self.rects[0], |bounds, rect| {
            let (top, left) = (bounds.top.min(rect.top), bounds.left.min(rect.left));
            let bottom = (bounds.top + bounds.height).max(rect.top + rect.height);
            let right = (bounds.left + bounds.width).max(rect.left + rect.width);
            Rect { top, left, height: bottom - top, width: right - left }
        })
    }

    /// Counts rows and columns from the corner of `bounds` from now on.
    pub fn move_to(&mut self, bounds: Rect) {
        for rect in &mut self.rects {
            rect.top -= bounds.top;
            rect.left -= bounds.left;
        }
    }

    pub fn crop(&mut self, part: Rect) -> Result<()> {
        let Size { height, width } = self.size();
        let part = part.inside(self.size())?;
        let top = if self.flip_y { height - part.top - part.height } else { part.top };
        let left = if self.flip_x { width - part.left - part.width } else { part.left };
        for rect in &mut self.rects {
            *rect = Rect { top: rect.top + top, left: rect.left + left, ..part };
        }
        Ok(())
    }

    pub fn three_crops(&mut self, crop: Size) -> Result<()> {
        if self.n_views() > 1 {
            return Err(Error::argument("transforms", "must have at most one `ThreeCrop`"));
        }
        let parts = three_crops(crop, self.size())?;
        let whole = self.rects[0];
        self.rects.clear();
        for part in parts {
            let mut view = Self { rects: vec![whole], pointwise: Vec::new(), tables: Vec::new(), ..*self };
            view.crop(part)?;
            self.rects.extend(view.rects);
        }
        Ok(())
    }

    pub fn flip(&mut self, horizontal: bool, vertical: bool) {
        self.flip_x ^= horizontal;
        self.flip_y ^= vertical;
    }

    pub fn reverse_channels(&mut self) -> Result<()> {
        if self.channels != 3 {
            return Err(Error::argument("clip", format!("must have 3 channels for `Bgr`, got {}", self.channels)));
        }
        self.reverse ^= true;
        self.pointwise.iter_mut().for_each(Pointwise::reverse_channels);
        Ok(())
    }

    pub fn map(&mut self, rule: &Pointwise) -> Result<()> {
        self.pointwise.push(rule.for_channels(self.channels)?);
        Ok(())
    }

    /// Makes the tables that rows of bytes go through.
    pub fn finish(&mut self) {
        if self.has_pointwise() {
            let value = |channel: usize, byte: usize| self.apply(channel, byte as f32);
            self.tables = (0..self.channels).map(|c| std::array::from_fn(|byte| value(c, byte))).collect();
        }
    }

    fn apply(&self, channel: usize, value: f32) -> f32 {
        self.pointwise.iter().fold(value, |value, rule| rule.apply(channel, value))
    }

    /// Writes row `y` of the frame into the views that show it.
    pub fn write<T: Pixel>(&self, y: usize, row: Row<'_>, views: &mut [View<'_, T>]) {
        match self.channels {
            1 => self.write_channels::<T, 1>(y, row, views),
            _ => self.write_channels::<T, 3>(y, row, views),
        }
    }

    fn write_channels<T: Pixel, const C: usize>(&self, y: usize, row: Row<'_>, views: &mut [View<'_, T>]) {
        for (rect, view) in self.rects.iter().zip(views) {
            let Some(line) = y.checked_sub(rect.top).filter(|&line| line < rect.height) else { continue };
            let line = if self.flip_y { rect.height - 1 - line } else { line };
            let part = rect.left * C..(rect.left + rect.width) * C;
            let mut place = Place { view, line, width: rect.width, flip: self.flip_x, reverse: self.reverse };
            match row {
                Row::U8(row) if self.has_pointwise() => {
                    let tables: &[[f32; 256]] = &self.tables[..C];
                    place.write::<_, C>(&row[part], |c, byte: u8| T::from_float(tables[c][usize::from(byte)]));
                }
                Row::U8(row) => match place.straight::<C>() {
                    Some(out) => T::from_bytes(&row[part], out),
                    None => place.write::<_, C>(&row[part], |_, byte| T::from_byte(byte)),
                },
                Row::F32(row) if self.has_pointwise() => {
                    place.write::<_, C>(&row[part], |c, value| T::from_float(self.apply(c, value)));
                }
                Row::F32(row) => place.write::<_, C>(&row[part], |_, value| T::from_float(value)),
            }
        }
    }
}

/// A line of a view, about to be written.
struct Place<'a, 'b, T> {
    view: &'a mut View<'b, T>,
    line: usize,
    width: usize,
    flip: bool,
    reverse: bool,
}

impl<T: Pixel> Place<'_, '_, T> {
    /// The line, if it takes the values of a row in their order.
    fn straight<const C: usize>(&mut self) -> Option<&mut [T]> {
        let straight = !self.flip && !self.reverse && (C == 1 || self.view.plane.is_none());
        let length = self.width * C;
        straight.then(|| &mut self.view.data[self.view.start + self.line * length..][..length])
    }

    #[inline(always)]
    fn write<S: Copy, const C: usize>(&mut self, row: &[S], map: impl Fn(usize, S) -> T) {
        let Self { line, width, flip, reverse, .. } = *self;
        let source = |c: usize| if reverse { C - 1 - c } else { c };
        match self.view.plane {
            None => {
                let out = &mut self.view.data[self.view.start + line * width * C..][..width * C];
                let pixels = out.chunks_exact_mut(C);
                let pixel = |(out, pixel): (&mut [T], &[S])| {
                    for c in 0..C {
                        out[c] = map(c, pixel[source(c)]);
                    }
                };
                if flip {
                    pixels.zip(row.chunks_exact(C).rev()).for_each(pixel);
                } else {
                    pixels.zip(row.chunks_exact(C)).for_each(pixel);
                }
            }
            Some(plane) => {
                for c in 0..C {
                    let out = &mut self.view.data[self.view.start + c * plane + line * width..][..width];
                    let values = row.chunks_exact(C).map(|pixel| map(c, pixel[source(c)]));
                    if flip {
                        out.iter_mut().rev().zip(values).for_each(|(out, value)| *out = value);
                    } else {
                        out.iter_mut().zip(values).for_each(|(out, value)| *out = value);
                    }
                }
            }
        }
    }
}
