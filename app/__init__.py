"""How is it put together and reached? Command line, settings, composition, HTTP API, benchmarks."""
