/// A type that keys of maps can have, with the order in which maps are written.
package protocol MapKey: Hashable {
  func isBefore(_ other: Self) -> Bool
}

extension MapKey where Self: Comparable {
  package func isBefore(_ other: Self) -> Bool { self < other }
}

extension String: MapKey {}
extension Int32: MapKey {}
extension Int64: MapKey {}
extension UInt32: MapKey {}
extension UInt64: MapKey {}
extension Bool: MapKey {
  package func isBefore(_ other: Bool) -> Bool { !self && other }
}
