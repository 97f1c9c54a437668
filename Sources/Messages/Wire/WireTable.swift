/// What the wire scan knows of a message: its fields by number, and what they take in memory.
/// Generated code has one for each message.
///
/// @unchecked Sendable: the layout is written once, by `init`, and never freed.
package struct WireTable: @unchecked Sendable {
  struct Layout {
    /// By number, from 0 to below `denseCount`; numbers that are no field have the kind `unknown`.
    var dense: UnsafePointer<WireField>
    var denseCount: UInt32
    /// Fields of higher numbers, in order.
    var sparse: UnsafeBufferPointer<WireField>
    /// Bytes of protoc-c's struct in the arena.
    var structureSize: Int
    /// Bytes of the Swift value.
    var valueSize: Int
    var name: StaticString
    /// Of protobuf-c.
    var descriptor: UnsafeRawPointer?
  }

  /// Numbers up to here are looked up by index.
  private static let maxDenseNumber: UInt32 = 255

  let layout: UnsafePointer<Layout>

  init(_ layout: UnsafePointer<Layout>) { self.layout = layout }

  /// - Parameters:
  ///   - name: Full name of the message.
  ///   - value: The Swift type.
  ///   - initialize: protoc-c's function that initializes the message's struct.
  package init<Structure, Value>(
    _ name: StaticString, _ value: Value.Type,
    _ initialize: (UnsafeMutablePointer<Structure>?) -> Void, _ fields: [WireField]
  ) {
    let sorted = Self.withPlaces(fields.sorted { $0.number < $1.number })
    let low = sorted.filter { $0.number <= Self.maxDenseNumber }
    let denseCount = Int(low.last?.number ?? 0) + 1
    let dense = UnsafeMutablePointer<WireField>.allocate(capacity: denseCount)
    dense.initialize(repeating: .unknown, count: denseCount)
    for field in low { dense[Int(field.number)] = field }
    let sparse = UnsafeMutableBufferPointer<WireField>.allocate(capacity: sorted.count - low.count)
    _ = sparse.initialize(from: sorted[low.count...])
    let layout = UnsafeMutablePointer<Layout>.allocate(capacity: 1)
    layout.initialize(
      to: Layout(
        dense: dense, denseCount: UInt32(denseCount), sparse: UnsafeBufferPointer(sparse),
        structureSize: Arena.rounded(MemoryLayout<Structure>.size),
        valueSize: MemoryLayout<Value>.stride, name: name,
        descriptor: Self.descriptor(initialize)))
    self.layout = UnsafePointer(layout)
  }

  /// A C constant has no address in Swift; an initialized struct begins with a pointer to it.
  private static func descriptor<Structure>(
    _ initialize: (UnsafeMutablePointer<Structure>?) -> Void
  ) -> UnsafeRawPointer? {
    let structure = UnsafeMutablePointer<Structure>.allocate(capacity: 1)
    defer { structure.deallocate() }
    initialize(structure)
    return UnsafeRawPointer(structure).load(as: UnsafeRawPointer?.self)
  }

  /// Gives each field that must not come twice a bit of its own, up to the width of a mask; the
  /// others share the last one, which costs them a rewriting at most.
  private static func withPlaces(_ fields: [WireField]) -> [WireField] {
    var fields = fields
    var bit: UInt64 = 1
    for index in fields.indices where fields[index].kind == .message && !fields[index].isRepeated {
      fields[index].seenBit = bit
      if bit < 1 << 63 { bit <<= 1 }
    }
    return fields
  }

  /// The field of a number; of the kind `unknown` where there is none.
  @inline(__always)
  func field(_ number: UInt32) -> WireField {
    number < layout.pointee.denseCount
      ? layout.pointee.dense[Int(number)] : sparseField(number)
  }

  @inline(never)
  private func sparseField(_ number: UInt32) -> WireField {
    layout.pointee.sparse.first { $0.number == number } ?? .unknown
  }

  var name: String { layout.pointee.name.description }
  var descriptor: UnsafeRawPointer? { layout.pointee.descriptor }
}

/// One field of a `WireTable`.
///
/// @unchecked Sendable: the layout that `table` points to never changes.
package struct WireField: @unchecked Sendable {
  enum Kind: UInt8 {
    case unknown
    case varint
    case fixed64
    case fixed32
    case text
    case bytes
    case message
  }

  /// The kinds of numbers, by their size in protoc-c's structs.
  package enum Scalar {
    /// int32, uint32, sint32, bool and enums.
    case varint32
    /// int64, uint64 and sint64.
    case varint64
    case fixed32
    case fixed64
  }

  package enum Place: Equatable {
    case single
    case repeated
    /// In the message's oneof of this number, from 1.
    case oneof(UInt8)
  }

  var number: UInt32
  var kind: Kind
  var isRepeated: Bool
  /// From 1; 0: in none.
  var oneof: UInt8
  /// Bytes in the arena that each occurrence takes, without what a length tells.
  var arenaCost: UInt32
  /// The same of the Swift value.
  var valueCost: UInt32
  /// Set for messages that must not come twice, see `WireScanner`.
  var seenBit: UInt64 = 0
  /// Set for messages.
  var table: UnsafePointer<WireTable.Layout>?
  var name: StaticString

  private init(
    _ number: UInt32, _ name: StaticString, _ kind: Kind, _ place: Place, arenaCost: Int = 0,
    valueCost: Int = 0
  ) {
    self.number = number
    self.name = name
    self.kind = kind
    isRepeated = place == .repeated
    oneof = if case .oneof(let index) = place { index } else { 0 }
    self.arenaCost = UInt32(clamping: isRepeated ? arenaCost : 0)
    self.valueCost = UInt32(clamping: isRepeated ? valueCost : 0)
  }

  static let unknown = WireField(0, "", .unknown, .single)

  package static func number(
    _ number: UInt32, _ name: StaticString, _ scalar: Scalar, _ place: Place = .single
  ) -> WireField {
    switch scalar {
    case .varint32: WireField(number, name, .varint, place, arenaCost: 4, valueCost: 8)
    case .varint64: WireField(number, name, .varint, place, arenaCost: 8, valueCost: 8)
    case .fixed32: WireField(number, name, .fixed32, place, arenaCost: 4, valueCost: 4)
    case .fixed64: WireField(number, name, .fixed64, place, arenaCost: 8, valueCost: 8)
    }
  }

  /// Text is a pointer and a length in the structs, and so are bytes.
  package static func text(
    _ number: UInt32, _ name: StaticString, _ place: Place = .single
  ) -> WireField {
    WireField(number, name, .text, place, arenaCost: 16, valueCost: MemoryLayout<String>.stride)
  }

  package static func bytes(
    _ number: UInt32, _ name: StaticString, _ place: Place = .single
  ) -> WireField {
    WireField(number, name, .bytes, place, arenaCost: 16, valueCost: MemoryLayout<[UInt8]>.stride)
  }

  package static func message(
    _ number: UInt32, _ name: StaticString, _ table: WireTable, _ place: Place = .single
  ) -> WireField {
    let layout = table.layout
    var field = WireField(
      number, name, .message, place, arenaCost: 8, valueCost: layout.pointee.valueSize)
    field.table = layout
    return field
  }

  /// A map is a list of entries, which a dictionary holds with some room to spare.
  package static func map(
    _ number: UInt32, _ name: StaticString, _ entry: WireTable
  ) -> WireField {
    var field = message(number, name, entry, .repeated)
    field.valueCost *= 2
    return field
  }
}
