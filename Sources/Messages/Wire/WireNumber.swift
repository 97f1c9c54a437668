/// A number of one of protobuf's types as it goes onto the wire (protobuf.dev, "Encoding").
package struct WireNumber {
  enum Form {
    case varint
    case fixed32
    case fixed64
  }

  let form: Form
  /// Of a fixed32 the lower half.
  let bits: UInt64
  /// Whether a field that is not repeated and in no oneof is left out.
  let isDefault: Bool

  @inline(__always)
  private init(_ form: Form, _ bits: UInt64, isDefault: Bool) {
    self.form = form
    self.bits = bits
    self.isDefault = isDefault
  }

  /// Numbers below zero take all 64 bits, those of 32 bits too.
  @inline(__always)
  private init(_ form: Form, _ value: some FixedWidthInteger) {
    self.init(form, UInt64(truncatingIfNeeded: value), isDefault: value == 0)
  }

  var wireType: UInt32 {
    switch form {
    case .varint: 0
    case .fixed64: 1
    case .fixed32: 5
    }
  }
}

extension WireNumber {
  @inline(__always)
  package static func int32(_ value: Int32) -> Self { Self(.varint, value) }
  @inline(__always)
  package static func int64(_ value: Int64) -> Self { Self(.varint, value) }
  @inline(__always)
  package static func uint32(_ value: UInt32) -> Self { Self(.varint, value) }
  @inline(__always)
  package static func uint64(_ value: UInt64) -> Self { Self(.varint, value) }
  /// Zigzag: small numbers are short, those below zero too.
  @inline(__always)
  package static func sint32(_ value: Int32) -> Self {
    Self(.varint, UInt32(bitPattern: value << 1 ^ value >> 31))
  }
  @inline(__always)
  package static func sint64(_ value: Int64) -> Self { Self(.varint, value << 1 ^ value >> 63) }
  @inline(__always)
  package static func fixed32(_ value: UInt32) -> Self { Self(.fixed32, value) }
  @inline(__always)
  package static func fixed64(_ value: UInt64) -> Self { Self(.fixed64, value) }
  @inline(__always)
  package static func sfixed32(_ value: Int32) -> Self { Self(.fixed32, value) }
  @inline(__always)
  package static func sfixed64(_ value: Int64) -> Self { Self(.fixed64, value) }
  @inline(__always)
  package static func bool(_ value: Bool) -> Self { Self(.varint, value ? 1 : 0) }
  @inline(__always)
  package static func `enum`(_ value: some MessageEnum) -> Self { int32(value.rawValue) }
  /// A negative zero is the default too.
  @inline(__always)
  package static func float(_ value: Float) -> Self {
    Self(.fixed32, UInt64(value.bitPattern), isDefault: value == 0)
  }
  @inline(__always)
  package static func double(_ value: Double) -> Self {
    Self(.fixed64, value.bitPattern, isDefault: value == 0)
  }
}
