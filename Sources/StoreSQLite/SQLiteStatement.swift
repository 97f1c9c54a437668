internal import CSQLite
internal import Store

/// A compiled statement; owns its handle and keeps its connection.
///
/// Values are bound and columns read one after the other, so that no code counts places.
final class SQLiteStatement {
  private let connection: SQLiteConnection
  private let handle: OpaquePointer
  private var parameter: Int32 = 0
  private var column: Int32 = 0
  /// The first bind that failed; told by `step`.
  private var bindResult = SQLITE_OK

  init(_ connection: SQLiteConnection, _ sql: String) throws(SQLiteFailure) {
    self.connection = connection
    handle = try connection.prepare(sql)
  }

  deinit { sqlite3_finalize(handle) }

  /// Goes to the next row; false at the end.
  func step() throws(SQLiteFailure) -> Bool {
    guard bindResult == SQLITE_OK else { throw connection.failure(bindResult) }
    column = 0
    let result = sqlite3_step(handle)
    switch result {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default: throw connection.failure(result)
    }
  }

  /// Makes the statement ready for its next use; ends a read transaction of its own.
  func reset() {
    // Repeats the error of the last step, which was told there.
    _ = sqlite3_reset(handle)
    sqlite3_clear_bindings(handle)
    parameter = 0
    bindResult = SQLITE_OK
  }

  /// Runs a statement without rows.
  func run() throws(SQLiteFailure) {
    defer { reset() }
    while try step() {}
  }

  /// Runs a query; `body` reads the columns of a row.
  func rows(_ body: () throws(StoreError) -> Void) throws(StoreError) {
    defer { reset() }
    while try next() { try body() }
  }

  /// Runs a query of which only the first row matters.
  func first<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value? {
    defer { reset() }
    return try next() ? try body() : nil
  }

  /// As `step`, for queries; the caller resets.
  func next() throws(StoreError) -> Bool {
    do throws(SQLiteFailure) { return try step() } catch { throw error.storeError }
  }
}

// Binding.
extension SQLiteStatement {
  func bind(_ value: Int64?) {
    parameter += 1
    guard let value else { return }
    note(sqlite3_bind_int64(handle, parameter, value))
  }

  func bind(_ value: Int) { bind(Int64(value)) }

  func bind(_ value: Int32) { bind(Int64(value)) }

  func bind(_ value: Bool) { bind(value ? 1 : 0) }

  /// Bytes are copied: the statement may outlive them.
  func bind(_ text: String?) {
    parameter += 1
    guard var text else { return }
    text.withUTF8 { note(bindText($0)) }
  }

  /// Valid UTF-8.
  func bind(text bytes: [UInt8]) {
    parameter += 1
    bytes.withUnsafeBufferPointer { note(bindText($0)) }
  }

  func bind(blob bytes: [UInt8]) {
    parameter += 1
    guard !bytes.isEmpty else {
      note(sqlite3_bind_zeroblob(handle, parameter, 0))
      return
    }
    bytes.withUnsafeBufferPointer {
      note(
        sqlite3_bind_blob64(
          handle, parameter, $0.baseAddress, UInt64($0.count), Self.transient))
    }
  }

  private func bindText(_ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
    // A nil address would bind NULL.
    guard let address = bytes.baseAddress, !bytes.isEmpty else {
      return sqlite3_bind_text(handle, parameter, "", 0, Self.transient)
    }
    return address.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
      sqlite3_bind_text64(
        handle, parameter, $0, UInt64(bytes.count), Self.transient, UInt8(SQLITE_UTF8))
    }
  }

  private func note(_ result: Int32) {
    if bindResult == SQLITE_OK { bindResult = result }
  }

  /// SQLITE_TRANSIENT, which the C macro's cast hides from Swift.
  private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}

// Columns of the row.
extension SQLiteStatement {
  func integer() -> Int64 {
    defer { column += 1 }
    return sqlite3_column_int64(handle, column)
  }

  func int32() -> Int32 { Int32(truncatingIfNeeded: integer()) }

  func optionalInteger() -> Int64? {
    guard sqlite3_column_type(handle, column) != SQLITE_NULL else {
      column += 1
      return nil
    }
    return integer()
  }

  func text() -> String {
    defer { column += 1 }
    guard let address = sqlite3_column_text(handle, column) else { return "" }
    let count = Int(sqlite3_column_bytes(handle, column))
    return String(decoding: UnsafeBufferPointer(start: address, count: count), as: UTF8.self)
  }

  func optionalText() -> String? {
    guard sqlite3_column_type(handle, column) != SQLITE_NULL else {
      column += 1
      return nil
    }
    return text()
  }

  /// The bytes of a text or blob.
  func bytes() -> [UInt8] {
    defer { column += 1 }
    guard let address = sqlite3_column_blob(handle, column) else { return [] }
    let count = Int(sqlite3_column_bytes(handle, column))
    return Array(UnsafeRawBufferPointer(start: address, count: count))
  }
}
