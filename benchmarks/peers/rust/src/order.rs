//! The typed object, the first of its list.

use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize)]
pub struct Order {
    id: i64,
    customer: String,
    product: String,
    quantity: i32,
    price: f64,
    discount: f64,
    created: i64,
    status: Status,
    paid: bool,
    gift: bool,
    address: Address,
    note: String,
}

#[derive(PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Placed,
    Packed,
    Shipped,
    Delivered,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Address {
    street: String,
    number: i32,
    city: String,
}

impl Order {
    pub fn sample() -> Order {
        Order {
            id: 9007199254,
            customer: "Ada Lovelace ABC".into(),
            product: "Analytical Engine, brass".into(),
            quantity: 1,
            price: 1843.25,
            discount: 0.125,
            created: 1700000000000,
            status: Status::Placed,
            paid: true,
            gift: false,
            address: Address { street: "St James's Square".into(), number: 12, city: "London".into() },
            note: "To be left with the porter, if need be. ".into(),
        }
    }
}
