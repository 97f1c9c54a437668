import GRPC
import Testing

@Suite struct EndpointTests {
  @Test(arguments: [
    ("https://baton.test:7420", "baton.test:7420", true, true),
    ("https://[::1]:7420/", "[::1]:7420", true, true),
    ("baton.test:7420", "baton.test:7420", false, false),
    ("10.0.0.1:1", "10.0.0.1:1", false, false), ("0.0.0.0:1", "0.0.0.0:1", false, false),
    ("127.0.0.1.example.org:1", "127.0.0.1.example.org:1", false, false),
    ("[::]:1", "[::]:1", false, false), ("127.8.9.10:1", "127.8.9.10:1", false, true),
    ("localhost:1", "localhost:1", false, true), ("[::1]:1", "[::1]:1", false, true),
    ("unix:/run/b.sock", "unix:/run/b.sock", false, true),
  ])
  func whatIsWritten(text: String, address: String, usesTLS: Bool, isProtected: Bool) throws {
    let endpoint = try Endpoint(text)
    #expect(endpoint.address.description == address)
    #expect(endpoint.usesTLS == usesTLS)
    #expect(endpoint.isProtected == isProtected)
    #expect(endpoint.description == (usesTLS ? "https://\(address)" : address))
  }

  @Test(arguments: ["https://", "https://a", "https://unix:/x", "http://a:1", "https://a:1/b"])
  func whatIsRefused(text: String) {
    #expect(throws: AddressError.self) { try Endpoint(text) }
  }
}
