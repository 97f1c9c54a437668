internal import AdapterKit
internal import Foundation
internal import JSON
internal import NIOConcurrencyHelpers

/// What this adapter was given and did: one JSON line per event, each appended with one write, so
/// that the lines of several processes never mix and a killed one loses nothing.
///
/// Keys: event, time_ms (Unix epoch), plan_id, task_id, key, attempt, delivery, token, instance, pid,
/// and code: why it was refused, how it finished, what the report was answered.
final class Ledger: Sendable {
  private let file: NIOLockedValueBox<FileHandle>
  private let instance: String
  private let pid = ProcessInfo.processInfo.processIdentifier

  /// Throws `AdapterError` where the file cannot be opened.
  init(path: String, instance: String) throws(AdapterError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw AdapterError(
        .dataUnusable, "the ledger \(path) cannot be opened",
        cause: String(cString: strerror(errno)))
    }
    file = NIOLockedValueBox(FileHandle(fileDescriptor: descriptor, closeOnDealloc: true))
    self.instance = instance
  }

  func record(_ event: RunEvent) {
    var writer = JSONWriter()
    writer.beginObject()
    for (key, text) in [
      ("event", event.kind.rawValue), ("plan_id", event.planID), ("task_id", event.taskID),
      ("key", event.idempotencyKey), ("instance", instance), ("code", event.code),
    ] {
      writer.key(key)
      writer.string(text)
    }
    for (key, number) in [
      ("time_ms", Int64(Date().timeIntervalSince1970 * 1_000)), ("attempt", Int64(event.attempt)),
      ("delivery", Int64(event.delivery)), ("token", event.token), ("pid", Int64(pid)),
    ] {
      writer.key(key)
      writer.integer(number)
    }
    writer.endObject()
    append(writer.bytes + "\n".utf8)
  }

  private func append(_ line: [UInt8]) {
    let count = file.withLockedValue { file in
      line.withUnsafeBytes { write(file.fileDescriptor, $0.baseAddress, $0.count) }
    }
    guard count != line.count else { return }
    // A ledger with holes proves nothing.
    FileHandle.standardError.write(Data("baton-mock-adapter: the ledger cannot be written\n".utf8))
    exit(ExitCodes.dataUnusable)
  }
}
