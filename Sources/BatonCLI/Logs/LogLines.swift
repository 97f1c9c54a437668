internal import Configuration
internal import Foundation
internal import JSON
internal import Logging

/// Sends everything that is logged to standard error, one line each.
enum LogLines {
  /// To be called once, before anything logs.
  static func bootstrap(_ format: LogFormat, _ level: LogLevel) {
    let terminal = Terminal.standardError
    let style = terminal.style
    LoggingSystem.bootstrap { label in
      LineLogHandler(level: level.level) { record in
        switch format {
        case .json: terminal.write(lines: [record.json(label).text])
        case .text: terminal.write(lines: [record.text(style, .current)])
        }
      }
    }
  }
}

extension LogLevel {
  fileprivate var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}

/// Something that was logged.
struct LogRecord: Sendable {
  /// Milliseconds since the Unix epoch.
  var time: Int64
  var level: Logger.Level
  var message: String
  var metadata: [String: String]

  /// `time`, `level`, `logger`, `message`, then what else is known, in the order of the names.
  func json(_ label: String) -> JSONValue {
    var object = JSONObject()
    object.add("time", .string(Self.timestamp(time)))
    object.add("level", level.rawValue)
    object.add("logger", label)
    object.add("message", .string(message))
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { object.add(key, .string(value)) }
    return object.value
  }

  /// RFC 3339 in UTC, with milliseconds.
  private static func timestamp(_ time: Int64) -> String {
    let date = TimeText.date(time, in: .gmt)
    return "\(date.prefix(10))T\(TimeText.clock(time, in: .gmt))Z"
  }

  func text(_ style: Style, _ zone: TimeZone) -> String {
    let color: Style.Color? =
      switch level {
      case .trace, .debug: .dim
      case .info, .notice: nil
      case .warning: .yellow
      case .error, .critical: .red
      }
    let name = level.rawValue.uppercased()
    let padded = name + String(repeating: " ", count: max(0, 7 - name.count))
    let pairs = metadata.filter { $0.key != "event" }.sorted { $0.key < $1.key }
      .map { " \($0.key)=\(TerminalText.clean($0.value))" }.joined()
    return "\(TimeText.clock(time, in: zone)) \(style.paint(padded, color)) "
      + "\(TerminalText.clean(message))\(style.paint(pairs, .dim))"
  }
}

/// Hands each record on as a whole.
struct LineLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  private let write: @Sendable (LogRecord) -> Void

  init(level: Logger.Level, write: @escaping @Sendable (LogRecord) -> Void) {
    logLevel = level
    self.write = write
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
    if let own = event.metadata { all.merge(own) { $1 } }
    write(
      LogRecord(
        time: TimeText.now(), level: event.level, message: "\(event.message)",
        metadata: all.mapValues { "\($0)" }))
  }
}
