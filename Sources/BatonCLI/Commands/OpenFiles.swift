internal import Foundation

/// The system's limit of open files for this process (getrlimit(2)): every connection is one, and
/// shells commonly allow 1,024.
enum OpenFiles {
  #if canImport(Darwin)
    static let resource = RLIMIT_NOFILE
  #else
    static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
  #endif

  /// Raises the limit as far as the process may. Answers the limit.
  @discardableResult
  static func allowMost() -> UInt64 {
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return 0 }
    var wanted = limit
    wanted.rlim_cur = limit.rlim_max
    return UInt64(setrlimit(resource, &wanted) == 0 ? wanted.rlim_cur : limit.rlim_cur)
  }
}
