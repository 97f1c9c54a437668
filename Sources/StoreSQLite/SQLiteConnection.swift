internal import CSQLite

/// One connection to a SQLite file; owns the handle. Used by one thread at a time: it is opened
/// without SQLite's own mutexes, and whoever holds it holds a lock.
final class SQLiteConnection {
  enum Mode { case readWrite, readOnly }

  /// How long a transaction waits for one of another process, such as a backup.
  private static let busyMilliseconds: Int32 = 5_000

  private let handle: OpaquePointer
  /// Pages in the WAL after the last commit; 0 until the first.
  fileprivate(set) var walPageCount = 0

  /// Opens the file; `.readWrite` makes it if it is not there.
  init(path: String, mode: Mode) throws(SQLiteFailure) {
    let access =
      mode == .readWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY
    var opened: OpaquePointer?
    let result = sqlite3_open_v2(
      path, &opened, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
    guard let opened else {
      throw SQLiteFailure(code: result, message: String(cString: sqlite3_errstr(result)))
    }
    handle = opened
    guard result == SQLITE_OK else { throw failure(result) }
    sqlite3_busy_timeout(handle, Self.busyMilliseconds)
  }

  // Statements hold the connection, so none is left here.
  deinit { sqlite3_close_v2(handle) }

  func failure(_ code: Int32) -> SQLiteFailure {
    SQLiteFailure(code: code, message: String(cString: sqlite3_errmsg(handle)))
  }

  /// Runs SQL that has no parameters and whose rows do not matter.
  func execute(_ sql: String) throws(SQLiteFailure) {
    let result = sqlite3_exec(handle, sql, nil, nil, nil)
    guard result == SQLITE_OK else { throw failure(result) }
  }

  /// The first column of the first row of `sql`, an integer.
  func integer(_ sql: String) throws(SQLiteFailure) -> Int64? {
    let statement = try SQLiteStatement(self, sql)
    defer { statement.reset() }
    return try statement.step() ? statement.integer() : nil
  }

  /// The first column of the first row of `sql`, a text.
  func text(_ sql: String) throws(SQLiteFailure) -> String? {
    let statement = try SQLiteStatement(self, sql)
    defer { statement.reset() }
    return try statement.step() ? statement.text() : nil
  }

  /// Compiles `sql` for many uses.
  func prepare(_ sql: String) throws(SQLiteFailure) -> OpaquePointer {
    var prepared: OpaquePointer?
    let result = sqlite3_prepare_v3(
      handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
    guard result == SQLITE_OK, let prepared else { throw failure(result) }
    return prepared
  }

  /// Whether a transaction is open.
  var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// Rows that the last INSERT, UPDATE or DELETE touched.
  var changeCount: Int { Int(sqlite3_changes(handle)) }

  /// The rowid of the last INSERT into a table with rowids.
  var lastRowID: Int64 { sqlite3_last_insert_rowid(handle) }
}

// The write-ahead log (https://www.sqlite.org/wal.html).
extension SQLiteConnection {
  enum CheckpointMode {
    /// Copies what no reader needs; never waits.
    case passive
    /// Makes the next commit start the log over; fails where somebody reads.
    case restart
    /// As `restart`, and cuts the file to nothing.
    case truncate

    fileprivate var code: Int32 {
      switch self {
      case .passive: SQLITE_CHECKPOINT_PASSIVE
      case .restart: SQLITE_CHECKPOINT_RESTART
      case .truncate: SQLITE_CHECKPOINT_TRUNCATE
      }
    }
  }

  /// Takes note of the log's size after every commit; replaces SQLite's own checkpoints.
  func watchWAL() {
    // The connection outlives its handle's callbacks, hence unretained.
    sqlite3_wal_hook(
      handle,
      { context, _, _, pageCount in
        guard let context else { return SQLITE_OK }
        let connection = Unmanaged<SQLiteConnection>.fromOpaque(context).takeUnretainedValue()
        connection.walPageCount = Int(pageCount)
        return SQLITE_OK
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  /// Moves the log into the database. Possible return codes: BUSY where a reader is in the way.
  func checkpoint(_ mode: CheckpointMode) throws(SQLiteFailure) {
    // Whoever commits waits for this: better to try again later.
    sqlite3_busy_timeout(handle, 0)
    defer { sqlite3_busy_timeout(handle, Self.busyMilliseconds) }
    let result = sqlite3_wal_checkpoint_v2(handle, nil, mode.code, nil, nil)
    guard result == SQLITE_OK else { throw failure(result) }
  }
}
