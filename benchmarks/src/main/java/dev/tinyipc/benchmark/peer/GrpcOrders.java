package dev.tinyipc.benchmark.peer;

import java.util.List;

import dev.tinyipc.benchmark.Order;
import dev.tinyipc.benchmark.peer.proto.AddressMessage;
import dev.tinyipc.benchmark.peer.proto.OrderList;
import dev.tinyipc.benchmark.peer.proto.OrderMessage;
import dev.tinyipc.benchmark.peer.proto.StatusValue;

/** Orders as the messages that gRPC's users have for them. */
final class GrpcOrders {

	private GrpcOrders() {
	}

	static OrderList messages(List<Order> orders) {
		return OrderList.newBuilder().addAllOrders(orders.stream().map(GrpcOrders::message).toList()).build();
	}

	static List<Order> orders(OrderList messages) {
		return messages.getOrdersList().stream().map(GrpcOrders::order).toList();
	}

	static OrderMessage message(Order order) {
		Order.Address address = order.address();
		return OrderMessage.newBuilder()
			.setId(order.id())
			.setCustomer(order.customer())
			.setProduct(order.product())
			.setQuantity(order.quantity())
			.setPrice(order.price())
			.setDiscount(order.discount())
			.setCreated(order.created())
			.setStatus(StatusValue.valueOf(order.status().name()))
			.setPaid(order.paid())
			.setGift(order.gift())
			.setAddress(AddressMessage.newBuilder()
				.setStreet(address.street())
				.setNumber(address.number())
				.setCity(address.city()))
			.setNote(order.note())
			.build();
	}

	static Order order(OrderMessage message) {
		AddressMessage address = message.getAddress();
		return new Order(message.getId(), message.getCustomer(), message.getProduct(), message.getQuantity(),
				message.getPrice(), message.getDiscount(), message.getCreated(),
				Order.Status.valueOf(message.getStatus().name()), message.getPaid(), message.getGift(),
				new Order.Address(address.getStreet(), address.getNumber(), address.getCity()), message.getNote());
	}

}
