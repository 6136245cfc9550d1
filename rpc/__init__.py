"""What every gRPC process here needs, whatever it serves: this package knows neither users nor posts."""
