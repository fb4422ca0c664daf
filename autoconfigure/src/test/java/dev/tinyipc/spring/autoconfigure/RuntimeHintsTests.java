package dev.tinyipc.spring.autoconfigure;

import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

import com.sun.jna.Native;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.tinyipc.IpcExchange;
import dev.tinyipc.IpcMapperCustomizer;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.ImportIpcServices;
import dev.tinyipc.spring.IpcListener;
import org.junit.jupiter.api.Test;
import tools.jackson.dataformat.cbor.CBORMapper;

import org.springframework.aot.generate.ClassNameGenerator;
import org.springframework.aot.generate.DefaultGenerationContext;
import org.springframework.aot.generate.InMemoryGeneratedFiles;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;
import org.springframework.aot.hint.TypeReference;
import org.springframework.aot.hint.predicate.ReflectionHintsPredicates;
import org.springframework.aot.hint.predicate.RuntimeHintsPredicates;
import org.springframework.beans.factory.aot.AotServices;
import org.springframework.boot.test.util.TestPropertyValues;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.aot.ApplicationContextAotGenerator;
import org.springframework.javapoet.ClassName;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** What a native image is told about contracts, the core and its native methods. */
class RuntimeHintsTests {

	private static final ReflectionHintsPredicates REFLECTION = RuntimeHintsPredicates.reflection();

	private static final JavaClasses CLASSES = new ClassFileImporter()
		.withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
		.importPackages("dev.tinyipc");

	@Test
	void allNativeMethodsCanBeFoundAndBound() throws Exception {
		RuntimeHints hints = hintsOfTheLibrary();
		List<Method> natives = CLASSES.stream()
			.flatMap((type) -> type.getMethods().stream())
			.filter((method) -> method.getModifiers().contains(JavaModifier.NATIVE))
			.map((method) -> method.reflect())
			.toList();
		assertThat(natives).hasSizeGreaterThan(30)
			.allMatch((method) -> REFLECTION.onMethodInvocation(method).test(hints))
			.allMatch((method) -> hints.jni()
				.typeHints()
				.anyMatch((type) -> type.getType().equals(TypeReference.of(method.getDeclaringClass()))));
		for (String machine : List.of("x86-64", "aarch64")) {
			String library = "com/sun/jna/linux-" + machine + "/libjnidispatch.so";
			assertThat(Native.class.getClassLoader().getResource(library)).isNotNull();
			assertThat(RuntimeHintsPredicates.resource().forResource(library)).accepts(hints);
		}
	}

	@Test
	void theHandlerOfSigtermCanBeSet() throws Exception {
		RuntimeHints hints = hintsOfTheLibrary();
		Class<?> signal = Class.forName("sun.misc.Signal");
		Class<?> handler = Class.forName("sun.misc.SignalHandler");
		assertThat(REFLECTION.onConstructorInvocation(signal.getConstructor(String.class))).accepts(hints);
		assertThat(REFLECTION.onMethodInvocation(signal.getMethod("handle", signal, handler))).accepts(hints);
		assertThat(RuntimeHintsPredicates.proxies().forInterfaces(handler)).accepts(hints);
		assertThat(REFLECTION.onMethodInvocation("dev.tinyipc.Termination", "onSignal")).accepts(hints);
	}

	@Test
	void eachHintNamesSomethingThatExists() {
		assertThat(hintsOfTheLibrary().reflection().typeHints()).isNotEmpty()
			.allSatisfy((hint) -> assertThat(Class.forName(hint.getType().getName())).isNotNull());
		assertThat(REFLECTION.onFieldAccess(OwnedFd.class, "state")).accepts(hintsOfTheLibrary());
	}

	/** Who becomes reflective needs a hint, and then a place in this list. */
	@Test
	void nothingElseIsReflective() {
		Set<Class<?>> reflective = Set.of(Class.class, Method.class, Constructor.class, Proxy.class,
				MethodHandles.Lookup.class, MethodHandleProxies.class);
		Set<String> methods = Set.of("forName", "invoke", "newInstance", "newProxyInstance", "bind", "findVirtual",
				"findStatic", "findConstructor", "findVarHandle", "unreflect", "unreflectSpecial", "getMethod",
				"getDeclaredMethod", "getMethods", "getDeclaredMethods", "getField", "getFields", "getDeclaredField",
				"getDeclaredFields", "getConstructor", "getDeclaredConstructor", "asInterfaceInstance");
		assertThat(CLASSES.stream()
			.filter((type) -> type.getMethodCallsFromSelf()
				.stream()
				.anyMatch((call) -> methods.contains(call.getTarget().getName()) && reflective.stream()
					.anyMatch((owner) -> call.getTargetOwner().getName().equals(owner.getName()))))
			.map(JavaClass::getSimpleName)).containsExactlyInAnyOrder(
					// contracts
					"IpcContract", "ContractReader", "ContractMethod", "ContractClient", "ContractListener",
					"IpcExchangeBeanRegistrationAotProcessor",
					// the customizer of the mapper
					"ParentSettings",
					// payloads, whose constructors and accessors are bound
					"RecordDeserializer", "RecordPropertyWriter",
					// hints of the library itself
					"Termination", "OwnedFd", "Readiness",
					// structures, which are those of callers
					"StructBytes");
	}

	private static RuntimeHints hintsOfTheLibrary() {
		RuntimeHints hints = new RuntimeHints();
		new IpcRuntimeHints().registerHints(hints, null);
		return hints;
	}

	@Test
	void aClientIsAProxyWhoseMethodsAndPayloadsAreKnown() {
		RuntimeHints hints = process(Clients.class);
		assertThat(RuntimeHintsPredicates.proxies().forInterfaces(Catalogue.class)).accepts(hints);
		assertThat(REFLECTION.onMethodInvocation(Catalogue.class, "find")).accepts(hints);
		assertThat(REFLECTION.onMethodInvocation(Readable.class, "all")).accepts(hints);
		assertThat(REFLECTION.onMethodInvocation(Catalogue.class, "first")).accepts(hints);
		for (Class<?> record : List.of(Product.class, Price.class, Query.class, Tag.class, Change.class)) {
			assertThat(REFLECTION.onMethodInvocation(record, record.getRecordComponents()[0].getName()))
				.as(record.getSimpleName())
				.accepts(hints);
			assertThat(REFLECTION.onConstructorInvocation(record.getDeclaredConstructors()[0]))
				.as(record.getSimpleName())
				.accepts(hints);
		}
		assertThat(REFLECTION.onMethodInvocation(Shop.class, "setName")).accepts(hints);
	}

	@Test
	void aBeanThatImplementsAContractOrIsAClientOfTheApplicationsOwnHasThemToo() {
		RuntimeHints hints = process(Own.class);
		assertThat(REFLECTION.onMethodInvocation(Implemented.class, "product")).accepts(hints);
		assertThat(REFLECTION.onMethodInvocation(Price.class, "cents")).accepts(hints);
		assertThat(RuntimeHintsPredicates.proxies().forInterfaces(Returned.class)).accepts(hints);
		assertThat(REFLECTION.onMethodInvocation(Tag.class, "text")).accepts(hints);
		assertThat(RuntimeHintsPredicates.proxies().forInterfaces(Extended.class)).accepts(hints);
		assertThat(REFLECTION.onMethodInvocation(Extended.class, "change")).accepts(hints);
	}

	@Test
	void aContractThatCannotBeUsedFailsTheBuild() {
		assertThatIllegalArgumentException().isThrownBy(() -> process(Wrong.class))
			.withMessageContaining("Unusable.run(Consumer)");
	}

	@Test
	void theCustomizerOfTheMapperCanBeCreated() throws Exception {
		Constructor<?> constructor = Customizer.class.getDeclaredConstructor();
		assertThat(REFLECTION.onConstructorInvocation(constructor))
			.accepts(process(Nothing.class, "ipc.template.mapper-customizer=" + Customizer.class.getName()))
			.rejects(process(Nothing.class));
	}

	@Test
	void theHintsOfTheLibraryApplyToEachApplicationWithTheStarter() {
		assertThat(AotServices.factories().load(RuntimeHintsRegistrar.class))
			.hasAtLeastOneElementOfType(IpcRuntimeHints.class);
	}

	private static RuntimeHints process(Class<?> configuration, String... properties) {
		try (AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext()) {
			TestPropertyValues.of(properties).applyTo(context);
			context.register(configuration);
			DefaultGenerationContext generation = new DefaultGenerationContext(
					new ClassNameGenerator(ClassName.get("dev.tinyipc.spring.autoconfigure", "Application")),
					new InMemoryGeneratedFiles());
			new ApplicationContextAotGenerator().processAheadOfTime(context, generation);
			return generation.getRuntimeHints();
		}
	}

	@Configuration(proxyBeanMethods = false)
	static class Nothing {

	}

	@Configuration(proxyBeanMethods = false)
	@ImportIpcServices(destination = "shop", types = Catalogue.class)
	static class Clients {

	}

	@Configuration(proxyBeanMethods = false)
	static class Own {

		@Bean
		Implementation implementation() {
			return new Implementation();
		}

		@Bean
		Listener listener() {
			return new Listener();
		}

		@Bean
		Returned client() {
			throw new IllegalStateException("Not called by a build");
		}

	}

	@Configuration(proxyBeanMethods = false)
	@ImportIpcServices(destination = "shop", types = Unusable.class)
	static class Wrong {

	}

	interface Readable<T> {

		Stream<T> all();

	}

	interface Catalogue extends Readable<Product> {

		Optional<Shop> find(Query query, OwnedFd file);

		Map<String, List<Tag[]>> tags();

		void change(Consumers consumers, Change change);

		default Product first() {
			try (Stream<Product> all = all()) {
				return all.findFirst().orElseThrow();
			}
		}

	}

	interface Implemented {

		@IpcExchange("p")
		Product product(String name);

	}

	@IpcExchange
	interface Returned {

		Tag tag();

	}

	interface Extended extends Returned {

		void change(Change change);

	}

	@IpcListener("shop")
	static class Listener implements Extended {

		@Override
		public void change(Change change) {
		}

		@Override
		public Tag tag() {
			return new Tag("");
		}

	}

	interface Unusable {

		void run(Consumer<String> consumer);

	}

	static class Implementation implements Implemented {

		@Override
		public Product product(String name) {
			throw new IllegalStateException("Not called by a build");
		}

	}

	record Product(String name, Price price) {

	}

	record Price(long cents) {

	}

	record Query(String text) {

	}

	record Tag(String text) {

	}

	record Change(int by) {

	}

	record Consumers(int count) {

	}

	static class Shop {

		private String name = "";

		public String getName() {
			return this.name;
		}

		public void setName(String name) {
			this.name = name;
		}

	}

	static class Customizer implements IpcMapperCustomizer {

		@Override
		public void customize(CBORMapper.Builder builder) {
		}

	}

}
