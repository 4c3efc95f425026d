//! stand-in until merged
use crate::clip::FrameShape;
use crate::error::Result;
use crate::parallel::Job;
#[derive(Default)]
pub struct Scratch;
#[derive(Clone, Debug)]
pub enum Enhancement {}
impl Enhancement {
    pub fn is_framewise(&self) -> bool {
        true
    }
    pub fn apply_frame(&self, _f: &mut [u8], _s: FrameShape, _x: &mut Scratch) -> Result<()> {
        Ok(())
    }
    pub fn apply_clip(&self, _f: &mut [u8], _s: FrameShape, _x: &mut Scratch, _j: &Job) -> Result<()> {
        Ok(())
    }
}
