"""An importer on SQLAlchemy's ORM: a long session with thousands of mapped objects, relations, compiled statements."""

from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from telling import Truth, digest


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customer"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    orders: Mapped[list["Order"]] = relationship(back_populates="customer")


class Order(Base):
    __tablename__ = "purchase"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    text: Mapped[str]
    customer: Mapped[Customer] = relationship(back_populates="orders")


engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
session = Session(engine)
for number in range(1500):
    orders = [Order(text=f"order {order} of {number}: " + "words " * 20) for order in range(4)]
    session.add(Customer(name=f"customer {number}", orders=orders))
session.commit()
KEPT = session.scalars(select(Customer)).all()
TEXTS = [order.text for customer in KEPT for order in customer.orders]


def work() -> object:
    with Session(engine) as other:
        pages = [
            other.scalars(select(Order).where(Order.customer_id == number).order_by(Order.id)).all()
            for number in range(1, 60)
        ]
        texts = [order.text for page in pages for order in page]
        total = other.scalar(select(func.count()).select_from(Order))
    return digest(texts, total, sum(map(len, TEXTS)))


truth = Truth("sqlalchemy")
truth.instances(Customer, Order, Session)
truth.hand_over(work)
