internal import Store

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Holds a file for this process alone, until it is released or the process ends in any way.
///
/// On a file of its own beside the database: SQLite keeps POSIX locks on the database, which the
/// process would lose by closing any descriptor of it.
struct FileLock: ~Copyable {
  private let descriptor: Int32

  /// Throws `.unusable` where another process holds `path`.
  init(path: String, for database: String) throws(StoreError) {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw StoreError(.unusable, "\(path) cannot be opened: \(Self.lastError())")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let holder = Self.text(of: descriptor)
      let error = errno == EWOULDBLOCK ? "" : " (\(Self.lastError()))"
      _ = close(descriptor)
      throw StoreError(
        .unusable,
        "\(database) is in use by another server\(holder.isEmpty ? "" : ", process \(holder)")"
          + "\(error); stop that one, or give this one a file of its own")
    }
    // The number is for the message above; the lock holds without it.
    let number = Array(String(getpid()).utf8)
    _ = ftruncate(descriptor, 0)
    _ = number.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }

  deinit { _ = close(descriptor) }

  private static func text(of descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 20)
    let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  private static func lastError() -> String { String(cString: strerror(errno)) }

  /// The absolute path of a file that may not be there yet, links resolved, so that one file has
  /// one lock.
  static func resolve(_ path: String) throws(StoreError) -> String {
    if let whole = real(path) { return whole }
    let parts = path.split(separator: "/", omittingEmptySubsequences: true)
    guard let last = parts.last, path.last != "/" else {
      throw StoreError(.unusable, "\"\(path)\" names no file")
    }
    let folder = (path.first == "/" ? "/" : "./") + parts.dropLast().joined(separator: "/")
    guard let whole = real(folder) else {
      throw StoreError(.unusable, "the folder of \(path) does not exist; make it first")
    }
    return (whole == "/" ? "" : whole) + "/" + last
  }

  private static func real(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
