//! How to read an input.

use chunkfit_io::InputOptions;
use chunkfit_io::segy::{ByteOrder, Fill, SampleFormat, SegyOptions};
use clap::{Args, ValueEnum};

use super::at_least_one;

/// How to read the input where its headers are wrong or say too little.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading the input")]
pub(crate) struct ReadingArgs {
    /// SEG-Y: first byte of the inline number in the trace header, counted from 1.
    #[arg(long, alias = "iline-byte", value_name = "BYTE", default_value_t = 189)]
    pub(crate) il_byte: usize,
    /// SEG-Y: first byte of the crossline number in the trace header, counted from 1.
    #[arg(long, alias = "xline-byte", value_name = "BYTE", default_value_t = 193)]
    pub(crate) xl_byte: usize,
    /// SEG-Y: byte order, instead of what the headers suggest.
    #[arg(long, value_enum)]
    pub(crate) byte_order: Option<Endian>,
    /// SEG-Y: sample format code (1 IBM, 2 i32, 3 i16, 5 IEEE f32, 6 f64, 8 i8, …), instead of the
    /// header's.
    #[arg(long, value_name = "CODE")]
    pub(crate) format: Option<u16>,
    /// SEG-Y: samples per trace, instead of the header's.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) samples: Option<usize>,
    /// SEG-Y: sample interval in milliseconds, instead of the header's.
    #[arg(long, value_name = "MS")]
    pub(crate) dt_ms: Option<f64>,
    /// SEG-Y: read only traces with this offset (trace header bytes 37–40) from a pre-stack file.
    #[arg(long, value_name = "OFFSET", allow_negative_numbers = true)]
    pub(crate) offset: Option<i32>,
    /// SEG-Y: what missing traces read as.
    #[arg(long, value_enum, default_value = "zero")]
    pub(crate) fill: Filling,
    /// Zarr: the array to read from a group with several.
    #[arg(long, value_name = "NAME")]
    pub(crate) variable: Option<String>,
}

/// A byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Endian {
    /// Most significant byte first, as the standard has it.
    Big,
    /// Least significant byte first.
    Little,
}

/// What missing traces read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Filling {
    /// Zeros.
    Zero,
    /// Not-a-number.
    Nan,
}

impl ReadingArgs {
    /// The options of the reader.
    pub(crate) fn options(&self) -> anyhow::Result<InputOptions> {
        let format = self.format.map(SampleFormat::try_from).transpose()?;
        if let Some(dt) = self.dt_ms.filter(|dt| !(dt.is_finite() && *dt > 0.0)) {
            anyhow::bail!("--dt-ms {dt} is not an interval; give milliseconds above 0, such as 4");
        }
        let segy = SegyOptions {
            il_byte: self.il_byte,
            xl_byte: self.xl_byte,
            byte_order: self.byte_order.map(|order| match order {
                Endian::Big => ByteOrder::Big,
                Endian::Little => ByteOrder::Little,
            }),
            format,
            samples: self.samples,
            dt_us: self.dt_ms.map(|ms| ms * 1000.0),
            offset: self.offset,
            fill: match self.fill {
                Filling::Zero => Fill::Zero,
                Filling::Nan => Fill::Nan,
            },
        };
        Ok(InputOptions { segy, variable: self.variable.clone() })
    }
}
