internal import CSQLite
internal import Store

/// What SQLite answered instead of OK (https://www.sqlite.org/rescode.html).
struct SQLiteFailure: Error {
  /// The extended result code.
  var code: Int32
  var message: String

  var primaryCode: Int32 { code & 0xFF }

  var isConstraint: Bool { primaryCode == SQLITE_CONSTRAINT }

  /// For a statement that failed before the commit, when the transaction is rolled back.
  var storeError: StoreError {
    let text = "SQLite: \(message) (code \(code))"
    return switch primaryCode {
    case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_NOMEM, SQLITE_INTERRUPT:
      StoreError(.unavailable, text)
    case SQLITE_FULL:
      StoreError(.unavailable, "\(text); make room on the disk")
    case SQLITE_IOERR, SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_PERM:
      StoreError(.unavailable, "\(text); look at the disk and the file's rights")
    case SQLITE_CORRUPT, SQLITE_NOTADB:
      StoreError(.corrupt, "\(text); restore the file from a backup")
    case SQLITE_CONSTRAINT, SQLITE_TOOBIG, SQLITE_MISMATCH:
      StoreError(.invalid, text)
    default:
      StoreError(.unusable, text)
    }
  }

  /// For a COMMIT that failed.
  ///
  /// BUSY leaves the transaction open, to be rolled back. FULL comes from writing frames to the
  /// WAL: then the commit's own frame, the last, is not whole, and recovery passes over it. After
  /// any other error, a failed fsync above all, that frame may have reached the disk.
  var commitError: StoreError {
    switch primaryCode {
    case SQLITE_BUSY, SQLITE_FULL: storeError
    default:
      StoreError(.outcomeUnknown, "SQLite: COMMIT answered \(message) (code \(code))")
    }
  }

  /// For a file that cannot be opened.
  func unusable(_ path: String) -> StoreError {
    StoreError(.unusable, "\(path) cannot be used: \(message) (SQLite code \(code))")
  }
}
