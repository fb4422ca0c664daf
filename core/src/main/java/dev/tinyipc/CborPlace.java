package dev.tinyipc;

/** Where an item stands, which can say more about what it may be. */
enum CborPlace {

	ANY, KEY, EXPONENT

}
