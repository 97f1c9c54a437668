internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#endif

/// Standard output or standard error.
struct Terminal: Sendable {
  private let descriptor: Int32

  static let standardOutput = Terminal(descriptor: STDOUT_FILENO)
  static let standardError = Terminal(descriptor: STDERR_FILENO)

  /// Whether a person looks at it, and at one that can move its cursor.
  var isInteractive: Bool {
    isatty(descriptor) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  /// Columns and lines; 80 by 24 where it does not say.
  var size: (columns: Int, lines: Int) {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return (80, 24)
    }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Colour only where it is seen and wanted (no-color.org).
  var style: Style {
    let environment = ProcessInfo.processInfo.environment
    let isPlain = environment["NO_COLOR"]?.isEmpty == false || !isInteractive
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }
      .first { !$0.isEmpty }
    let isUTF8 = locale.map { $0.uppercased().contains("UTF") } ?? false
    return Style(usesColor: !isPlain, usesUnicode: isUTF8 || !isInteractive)
  }

  func write(lines: [String]) {
    write(lines.map { "\($0)\n" }.joined())
  }

  func write(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        bytes.removeFirst(count)
      } else if errno == EPIPE {
        // The reader is gone, as after `| head`: 128 + SIGPIPE, as if the signal had ended us.
        exit(141)
      } else if errno != EINTR && errno != EAGAIN {
        return
      }
    }
  }
}
