//! Points of the NIST curves: SEC 1 §2.3.4, uncompressed.

use ecdsa::elliptic_curve::point::AffineCoordinates;
use ecdsa::elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytes};

/// The point `04 ‖ x ‖ y`, if both coordinates are below p and it is on the curve.
pub(super) fn on_curve<C>(uncompressed: &[u8]) -> Option<AffinePoint<C>>
where
    C: CurveArithmetic,
    AffinePoint<C>: AffineCoordinates<FieldRepr = FieldBytes<C>>,
{
    let (4, coordinates) = uncompressed.split_first()? else {
        return None;
    };
    let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
    let (x, y) = (x.try_into().ok()?, y.try_into().ok()?);
    AffinePoint::<C>::from_coordinates(x, y).into()
}
