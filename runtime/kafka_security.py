"""How a Kafka client proves who it is, and whom it believes; `aiokafka_security` says it to the other library.

librdkafka's names are those of its CONFIGURATION.md.
"""

from typing import Any, Final

from runtime.errors import FixableError
from runtime.settings import Settings

OAUTHBEARER: Final = "OAUTHBEARER"
# The names of all settings that say how brokers are reached begin with these.
OF_BROKERS: Final = ("kafka_security_", "kafka_sasl_", "kafka_oauth_", "kafka_ssl_")


def librdkafka_security(settings: Settings) -> dict[str, Any]:
    """Options of confluent-kafka; none for a broker that asks nobody. FixableError where a setting lacks another."""
    require_complete(settings)
    options: dict[str, Any] = {}
    if settings.kafka_security_protocol != "PLAINTEXT":
        options["security.protocol"] = settings.kafka_security_protocol
    if has_tls(settings):
        options |= {
            "ssl.ca.location": settings.kafka_ssl_ca_file,
            "ssl.certificate.location": settings.kafka_ssl_certificate_file,
            "ssl.key.location": settings.kafka_ssl_key_file,
            "ssl.key.password": settings.kafka_ssl_key_password,
        }
    if has_sasl(settings):
        options["sasl.mechanism"] = settings.kafka_sasl_mechanism
        if settings.kafka_sasl_mechanism == OAUTHBEARER:
            options |= {
                "sasl.oauthbearer.method": "oidc",
                "sasl.oauthbearer.token.endpoint.url": settings.kafka_oauth_token_url,
                "sasl.oauthbearer.client.id": settings.kafka_oauth_client_id,
                "sasl.oauthbearer.client.secret": settings.kafka_oauth_client_secret,
                "sasl.oauthbearer.scope": settings.kafka_oauth_scope,
            }
        else:
            options |= {
                "sasl.username": settings.kafka_sasl_username,
                "sasl.password": settings.kafka_sasl_password,
            }
    return {name: str(value) for name, value in options.items() if value is not None}


def require_complete(settings: Settings) -> None:
    """FixableError that names what else must be set, or what has no meaning beside the rest."""
    if has_sasl(settings):
        named = {
            "KAFKA_SASL_USERNAME": settings.kafka_sasl_username,
            "KAFKA_SASL_PASSWORD": settings.kafka_sasl_password,
        }
        if settings.kafka_sasl_mechanism == OAUTHBEARER:
            named = {
                "KAFKA_OAUTH_TOKEN_URL": settings.kafka_oauth_token_url,
                "KAFKA_OAUTH_CLIENT_ID": settings.kafka_oauth_client_id,
                "KAFKA_OAUTH_CLIENT_SECRET": settings.kafka_oauth_client_secret,
            }
        named["KAFKA_SASL_MECHANISM"] = settings.kafka_sasl_mechanism
        missing = sorted(name for name, value in named.items() if not value)
        if missing:
            raise FixableError(
                f"KAFKA_SECURITY_PROTOCOL={settings.kafka_security_protocol} needs {' and '.join(missing)}; set "
                f"{'them' if len(missing) > 1 else 'it'}."
            )
    elif settings.kafka_sasl_mechanism or settings.kafka_sasl_password:
        raise FixableError(
            f"KAFKA_SECURITY_PROTOCOL is {settings.kafka_security_protocol}, by which no password is sent. Set it to "
            "SASL_SSL, or to SASL_PLAINTEXT where nobody can listen, or leave KAFKA_SASL_MECHANISM and "
            "KAFKA_SASL_PASSWORD out."
        )


def require_brokers(settings: Settings) -> None:
    """FixableError where something is set of brokers that nobody names: the instance's own has its own login."""
    fields = Settings.model_fields
    of_brokers = [name for name in fields if name.startswith(OF_BROKERS)]
    given = sorted(name.upper() for name in of_brokers if getattr(settings, name) != fields[name].default)
    if given:
        raise FixableError(
            f"{' and '.join(given)} {'are' if len(given) > 1 else 'is'} for brokers that KAFKA_BROKERS names, and it "
            "names none. Set KAFKA_BROKERS, or leave them out."
        )


def has_sasl(settings: Settings) -> bool:
    return settings.kafka_security_protocol.startswith("SASL")


def has_tls(settings: Settings) -> bool:
    return settings.kafka_security_protocol.endswith("SSL")
