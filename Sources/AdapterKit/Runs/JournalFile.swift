#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A file descriptor, closed with its last user.
final class JournalFile: Sendable {
  private let descriptor: Int32
  private let path: String

  init(path: String, flags: Int32) throws(AdapterError) {
    self.path = path
    descriptor = open(path, flags | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.error("\(path) cannot be opened") }
  }

  deinit { _ = close(descriptor) }

  /// Keeps every other process out, until this object or the process ends.
  func holdForThisProcess() throws(AdapterError) {
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw Self.error("\(path) is held by another adapter process; give this one its own folder")
    }
  }

  /// Writes at the end and returns once that is durable.
  func append(_ bytes: [UInt8]) throws(AdapterError) {
    let isWritten = bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let count = write(
          descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { return false }
        rest = rest.dropFirst(count)
      }
      return true
    }
    guard isWritten else { throw Self.error("\(path) cannot be written") }
    try synchronize()
  }

  private func synchronize() throws(AdapterError) {
    guard fsync(descriptor) == 0 else { throw Self.error("\(path) cannot be synchronized") }
  }

  /// Puts a file with these bytes into the place of `path`: after a crash there is the old one or
  /// the new one. Answers the new one, open at its end.
  static func replace(_ path: String, with bytes: [UInt8]) throws(AdapterError) -> JournalFile {
    let next = path + ".next"
    let file = try JournalFile(path: next, flags: O_WRONLY | O_CREAT | O_TRUNC | O_APPEND)
    try file.append(bytes)
    guard rename(next, path) == 0 else { throw error("\(next) cannot be renamed") }
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    try JournalFile(path: folder.isEmpty ? "/" : folder, flags: O_RDONLY).synchronize()
    return file
  }

  private static func error(_ message: String) -> AdapterError {
    AdapterError(.dataUnusable, message, cause: String(cString: strerror(errno)))
  }
}
