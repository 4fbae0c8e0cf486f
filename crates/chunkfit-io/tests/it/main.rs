//! Files, real and made for the test.

#[cfg(feature = "npy")]
mod npy;
#[cfg(feature = "segy")]
mod segy;
#[cfg(feature = "zarr")]
mod zarr;
