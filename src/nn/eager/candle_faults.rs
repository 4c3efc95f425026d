//! What is wrong in candle, pinned.
