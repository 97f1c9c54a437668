internal import Foundation
internal import JSON
public import Logging

/// Logs on stderr: one JSON object a line, or text for people.
public struct StderrLogHandler: LogHandler {
  public enum Format: String, Sendable, CaseIterable {
    case json
    case text
  }

  public var metadata: Logger.Metadata = [:]
  public var metadataProvider: Logger.MetadataProvider?
  public var logLevel: Logger.Level
  private let label: String
  private let format: Format

  public init(label: String, format: Format = .json, level: Logger.Level = .info) {
    self.label = label
    self.format = format
    logLevel = level
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    var all = metadata.merging(metadataProvider?.get() ?? [:]) { _, new in new }
    all.merge(event.metadata ?? [:]) { _, new in new }
    if let error = event.error { all["error"] = "\(error)" }
    let fields = all.map { ($0.key, "\($0.value)") }.sorted { $0.0 < $1.0 }
    let line = format == .json ? json(event, fields) : text(event, fields)
    FileHandle.standardError.write(Data(line))
  }

  private func json(_ event: LogEvent, _ fields: [(String, String)]) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    let time = Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    for (key, value) in [
      ("time", time), ("level", event.level.rawValue), ("logger", label),
      ("message", event.message.description),
    ] + fields {
      writer.key(key)
      writer.string(value)
    }
    writer.endObject()
    return writer.bytes + "\n".utf8
  }

  private func text(_ event: LogEvent, _ fields: [(String, String)]) -> [UInt8] {
    let words = fields.map { "\($0)=\($1)" }
    let time = Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    return Array(
      ([time, event.level.rawValue.uppercased(), "\(event.message)"] + words)
        .joined(separator: " ").utf8) + "\n".utf8
  }
}
