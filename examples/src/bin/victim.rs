//! A victim with the allocator of the system, for profilers of any make: `victim __plain steady alone`.

fn main() {
    chunkfit_examples::serve_if_called();
    eprintln!("usage: victim __plain idle|steady|spike|small alone|region|walk|kill");
    std::process::exit(2);
}
