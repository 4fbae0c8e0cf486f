//! Volumes in files: SEG-Y and npy to read, Zarr v3 in the MDIO layout to read and write.

#[cfg(all(feature = "segy", feature = "npy", feature = "zarr"))]
mod input;
#[cfg(feature = "npy")]
pub mod npy;
#[cfg(feature = "segy")]
pub mod segy;
#[cfg(feature = "zarr")]
pub mod zarr;
