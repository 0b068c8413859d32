"""The shapes of requests to register and to sign in, and of their replies."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.http.numbers import Text
from api.http.sentences import FieldWrong
from api.store.users import User
from api.users.emails import email_of

PASSWORD_MIN: Final = 8
PASSWORD_MAX: Final = 256


def _email(text: str) -> str:
    email = email_of(text)
    if email is None:
        raise FieldWrong("is not an email address")
    return email


# As it is sent, both have the same length at most: what may register may log in.
_AsSent = Annotated[Text, Field(max_length=254, examples=["alice@example.com"])]
Email = Annotated[_AsSent, AfterValidator(_email)]
LoginEmail = _AsSent  # What is no address is nobody's, which the answer does not tell.


class RegisterRequest(BaseModel):
    """A new user."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    password: Annotated[
        Text, Field(min_length=PASSWORD_MIN, max_length=PASSWORD_MAX, examples=["correct horse battery"])
    ]
    name: Annotated[Text, Field(max_length=100)] | None = None


class LoginRequest(BaseModel):
    """Credentials; a name is allowed and changes nothing."""

    model_config = ConfigDict(extra="forbid")

    email: LoginEmail
    password: Annotated[Text, Field(max_length=PASSWORD_MAX, examples=["correct horse battery"])]
    name: Text | None = None


class PasswordRequest(BaseModel):
    """The password there is, and the one to be."""

    model_config = ConfigDict(extra="forbid")

    password: Annotated[Text, Field(max_length=PASSWORD_MAX, examples=["correct horse battery"])]
    new_password: Annotated[
        Text, Field(min_length=PASSWORD_MIN, max_length=PASSWORD_MAX, examples=["staple of another horse"])
    ]


class TokenReply(BaseModel):
    """An access token; the cookie `session` carries the same one, and the cookie `refresh` what renews it."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105  # The name of its kind.
    expires_in: int = Field(description="seconds", examples=[900])


class UserShort(BaseModel):
    """A user, in short."""

    id: str
    email: str
    name: str | None


class UserReply(BaseModel):
    """Who is signed in."""

    id: str
    email: str = Field(examples=["alice@example.com"])
    name: str | None
    roles: list[str] = Field(examples=[["user"]])
    account_id: str
    user: UserShort


class SessionReply(BaseModel, title="Session"):
    """A sign-in of yours that is going on. current: the one this request came from."""

    id: str
    device: str | None = Field(
        description="browser and system, or a program, as it said itself at the sign-in; null where it said nothing",
        examples=["Firefox on Linux"],
    )
    network: str | None = Field(
        description="the first part of the address of the sign-in; no more is kept", examples=["203.0.113.0/24"]
    )
    created_at: str = Field(json_schema_extra={"format": "date-time"})
    last_seen_at: str = Field(description="to a quarter of an hour", json_schema_extra={"format": "date-time"})
    expires_at: str = Field(
        description="when it is over unless it is used before", json_schema_extra={"format": "date-time"}
    )
    current: bool


class SessionsReply(BaseModel, title="Sessions"):
    """Your sessions: the current one, then the last begun first, a hundred at most. total: how many there are."""

    items: list[SessionReply]
    total: int
    next_cursor: str | None = None


class DeletionReply(BaseModel):
    """What is left to do for a user who is gone: positions are closed as soon as their markets have a price."""

    status: Literal["closing"]
    open_positions: int = Field(examples=[0])


def user_reply(user: User) -> UserReply:
    """Write a user."""
    short = UserShort(id=str(user.user_id), email=user.email, name=user.name)
    return UserReply(**dict(short), roles=[user.role], account_id=user.account_id, user=short)
