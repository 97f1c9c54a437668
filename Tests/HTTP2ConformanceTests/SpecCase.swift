import Testing

/// One thing that a server must do with what a client sends, right or wrong. The cases are those
/// that h2spec lists (github.com/summerwind/h2spec), by the sections of RFC 9113 and RFC 7541.
struct SpecCase: Sendable, CustomTestStringConvertible {
  /// Section, and the number within it.
  let name: String
  let title: String
  let run: @Sendable (SpecConnection) async throws -> Void

  init(
    _ name: String, _ title: String,
    _ run: @escaping @Sendable (SpecConnection) async throws -> Void
  ) {
    self.name = name
    self.title = title
    self.run = run
  }

  var testDescription: String { "\(name) \(title)" }

  static let all =
    generalStreams + generalFrames + generalMessages + generalHeaderFields + starting + frames
    + streamStates + streams + dataAndHeaders + priorityAndReset + settingsFrames + connectionFrames
    + flowControl + continuations + messages + requestFields + headerCompression
}
