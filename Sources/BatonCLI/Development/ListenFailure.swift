internal import Configuration
internal import GRPC

/// Which address it was that a server could not have, and why.
enum ListenFailure {
  static func failure(
    _ configuration: Configuration.ServerConfiguration, _ error: any Error
  ) async -> CommandFailure {
    // `listen` first: where it is the one, the server that did not start has `http` already.
    let addresses = [("--listen", configuration.listen), ("--http", configuration.http)]
    for (flag, address) in addresses {
      guard let problem = await problem(of: address) else { continue }
      var failure = CommandFailure(
        .system, code: "CANNOT_START",
        message: "the server cannot listen on \(address): \(reason(problem))")
      failure.advice =
        address.hasPrefix("unix:")
        ? "The socket's folder must be there and be writable; \(flag) chooses another path."
        : "If another program has the address, choose one with \(flag); port 0 takes any."
      return failure
    }
    return CommandFailure(
      .system, code: "CANNOT_START", message: "the server cannot start: \(reason(error))")
  }

  /// Listens there for a moment; answers what went wrong.
  private static func problem(of address: String) async -> (any Error)? {
    let server = GRPCServer(services: [])
    do {
      try await server.start(on: try Address(address))
      try await server.shutdown(grace: .zero)
      return nil
    } catch {
      return error
    }
  }

  /// The system's words, without what NIO puts around them: `bind(a:b:): words) (errno: 98)`.
  static func reason(_ error: any Error) -> String {
    let text = "\(error)"
    guard let start = text.firstRange(of: "): "), !text[..<start.lowerBound].contains(" "),
      let end = text.firstRange(of: " (errno: ")
    else { return text }
    let words = text[start.upperBound..<end.lowerBound]
    return String(words.hasSuffix(")") ? words.dropLast() : words)
  }
}
